import type { Account } from '../state/account';
import { writeMovement } from './balance';
import { retireFraudWarnings } from './fraud-warnings';
import { CLOCK_CAUSE, type Charge, type RequestCause } from '../state/model';
import type { Dispute, DisputeOutcome, DisputeStatus, DisputeStep, StoredDispute } from './money-model';
import { assertDisputable, newDispute, type DisputeSpec } from './new-dispute';
import { refunds, settleRefund } from './refund-life';
import { defineResource, store } from '../http/resource';

export const disputes = defineResource<StoredDispute>({
  kind: 'dispute',
  object: 'dispute',
  path: 'disputes',
  snapshot: 'disputes',
  expandable: { charge: 'charge', payment_intent: 'payment_intent' },
  render: (dispute) => dispute.object,
  indexes: ({ object }) => ({ charge: object.charge, payment_intent: object.payment_intent }),
  save: ({ timer: _timer, ...dispute }) => dispute,
  rearm: arm,
});

/** Where a dispute may go. https://docs.stripe.com/disputes/how-disputes-work */
export const DISPUTE_TRANSITIONS: Readonly<Record<DisputeStatus, readonly DisputeStatus[]>> = {
  warning_needs_response: ['warning_under_review', 'warning_closed', 'needs_response'],
  warning_under_review: ['warning_closed', 'needs_response'],
  warning_closed: [],
  needs_response: ['under_review', 'won', 'lost'],
  under_review: ['won', 'lost'],
  won: [],
  lost: [],
};

export const isInquiry = ({ status }: Dispute): boolean => status.startsWith('warning_');
export const isOpen = ({ status }: Dispute): boolean => DISPUTE_TRANSITIONS[status].length > 0;

/**
 * The customer's bank disputes a captured charge, or inquires into it. A dispute takes the money at once.
 * @throws Error where nothing is captured, or a dispute of it is open
 */
export function openDispute(account: Account, charge: Charge, spec: DisputeSpec): StoredDispute {
  if (disputesOf(account, charge.id).some(({ object }) => isOpen(object)))
    throw new Error(`${charge.id} is disputed already`);
  assertDisputable(charge, spec);
  if (spec.kind !== 'inquiry') refuseRefunds(account, charge, null);
  const dispute = newDispute(account, charge, spec);
  const id = dispute.id;
  const stored: StoredDispute = {
    id,
    object: dispute,
    decided: null,
    reviewedSince: null,
    next: null,
    timer: undefined,
  };
  store(account, disputes, stored);
  charge.disputed = true;
  if (!isInquiry(dispute)) withdraw(account, dispute);
  awaitEvidence(account, stored);
  account.log.emit('charge.dispute.created', dispute, CLOCK_CAUSE);
  if (!isInquiry(dispute)) account.log.emit('charge.dispute.funds_withdrawn', dispute, CLOCK_CAUSE);
  retireFraudWarnings(account, charge, CLOCK_CAUSE);
  return stored;
}

/** The disputes of a charge, oldest first. */
export function disputesOf(account: Account, chargeId: string): StoredDispute[] {
  return account.of(disputes).filed('charge', chargeId);
}

/** Why a charge cannot be refunded: the bank has taken its money already. An inquiry has taken nothing. */
export function chargebackOf(account: Account, charge: Charge): Dispute | undefined {
  return disputesOf(account, charge.id)
    .map(({ object }) => object)
    .find((dispute) => !isInquiry(dispute) && dispute.status !== 'won');
}

/** The evidence goes to the bank, which decides after a while. */
export function submitEvidence(account: Account, stored: StoredDispute, cause: RequestCause): void {
  const dispute = stored.object;
  const inquiry = isInquiry(dispute);
  moveDispute(dispute, inquiry ? 'warning_under_review' : 'under_review');
  dispute.evidence_details.submission_count += 1;
  dispute.evidence_details.submission_method = 'manual';
  stored.reviewedSince = account.clock.nowSeconds();
  const { disputeDecisionMs, disputeReviewMs, inquiryCloseMs } = account.settings;
  const now = account.clock.now();
  const magic = magicStep(dispute);
  if (stored.decided !== null) plan(account, stored, now + disputeDecisionMs, stored.decided);
  else if (magic !== undefined) plan(account, stored, now + disputeDecisionMs, magic);
  else if (inquiry) plan(account, stored, dispute.created * 1000 + inquiryCloseMs, 'warning_closed');
  else plan(account, stored, now + disputeReviewMs, 'lost');
  account.log.emit('charge.dispute.updated', dispute, cause);
}

/** The bank's decision, or the account's own surrender (`lost`). @throws Error where it cannot end like this */
export function closeDispute(
  account: Account,
  stored: StoredDispute,
  outcome: DisputeOutcome,
  cause: RequestCause = CLOCK_CAUSE,
): void {
  const dispute = stored.object;
  moveDispute(dispute, outcome);
  halt(stored);
  // With a lost dispute the money is gone for good; an inquiry took none.
  dispute.is_charge_refundable = outcome !== 'lost';
  if (outcome === 'won') {
    reinstate(account, dispute);
    // Measured: the money's return is told before the end.
    account.log.emit('charge.dispute.funds_reinstated', dispute, cause);
  }
  account.log.emit('charge.dispute.closed', dispute, cause);
}

/** The disputed amount may change with a currency's rate, or with the bank's mind. Source: Stripe API, `amount` of a dispute. */
export function changeAmount(account: Account, { object: dispute }: StoredDispute, amount: number): void {
  if (!Number.isSafeInteger(amount) || amount <= 0) throw new RangeError(`${amount} cannot be disputed`);
  dispute.amount = amount;
  account.log.emit('charge.dispute.updated', dispute, CLOCK_CAUSE);
}

/** The bank makes a dispute of an inquiry and takes the money. @throws Error where it is no open inquiry */
export function escalateInquiry(
  account: Account,
  stored: StoredDispute,
  dueInMs: number = account.settings.disputeResponseMs,
): void {
  const dispute = stored.object;
  if (!isInquiry(dispute)) throw new Error(`${dispute.id} is no inquiry: it is ${dispute.status}`);
  moveDispute(dispute, 'needs_response');
  dispute.is_charge_refundable = false;
  dispute.evidence_details.due_by = Math.floor((account.clock.now() + dueInMs) / 1000);
  dispute.evidence_details.past_due = false;
  if (dispute.payment_method_details?.card !== undefined) dispute.payment_method_details.card.case_type = 'chargeback';
  const charge = account.charges.get(dispute.charge);
  if (charge === undefined) throw new Error(`${dispute.id} is of a charge that does not exist`);
  refuseRefunds(account, charge, stored.reviewedSince);
  // What came back before is not taken once more.
  dispute.amount = Math.min(dispute.amount, charge.amount_captured - charge.amount_refunded);
  withdraw(account, dispute);
  stored.decided = null;
  awaitEvidence(account, stored);
  account.log.emit('charge.dispute.updated', dispute, CLOCK_CAUSE);
  account.log.emit('charge.dispute.funds_withdrawn', dispute, CLOCK_CAUSE);
}

/** A payment that came back in full is no matter for an inquiry any more. https://docs.stripe.com/disputes */
export function endRefundedInquiries(account: Account, chargeId: string, cause: RequestCause): void {
  const inquiries = disputesOf(account, chargeId).filter(({ object }) => isInquiry(object) && isOpen(object));
  if (inquiries.length === 0) return;
  const captured = account.charges.get(chargeId)?.amount_captured ?? 0;
  const refunded = account
    .of(refunds)
    .filed('charge', chargeId)
    .reduce((sum, { object }) => (object.status === 'succeeded' ? sum + object.amount : sum), 0);
  if (refunded < captured) return;
  for (const { id } of inquiries) {
    const stored = account.of(disputes).get(id);
    if (stored !== undefined) closeDispute(account, stored, 'warning_closed', cause);
  }
}

/**
 * The bank refuses refunds that are not through once it takes the money itself; so it does with one that was sent since
 * `reviewedSince`, while it had an inquiry's answer before it, however that one was answered. Measured.
 */
function refuseRefunds(account: Account, charge: Charge, reviewedSince: number | null): void {
  const isCaught = (status: string, created: number): boolean =>
    ['pending', 'requires_action'].includes(status) ||
    (status === 'succeeded' && reviewedSince !== null && created >= reviewedSince);
  for (const { id, object } of account.of(refunds).filed('charge', charge.id)) {
    const refund = isCaught(object.status, object.created) ? account.of(refunds).get(id) : undefined;
    if (refund !== undefined) settleRefund(account, refund, 'failed', 'charge_for_pending_refund_disputed');
  }
}

/** The bank takes the disputed amount, and Stripe its fee. */
function withdraw(account: Account, dispute: Dispute): void {
  const { disputeFee } = account.settings;
  dispute.balance_transactions.push(
    writeMovement(account, {
      amount: -dispute.amount,
      currency: dispute.currency,
      type: 'adjustment',
      reportingCategory: 'dispute',
      source: dispute.id,
      description: `Chargeback withdrawal for ${dispute.charge}`,
      fee: disputeFee,
      feeDescription: 'Dispute fee',
    }),
  );
}

function reinstate(account: Account, dispute: Dispute): void {
  const { disputeFee, disputeFeeReturned } = account.settings;
  dispute.balance_transactions.push(
    writeMovement(account, {
      amount: dispute.amount,
      currency: dispute.currency,
      type: 'adjustment',
      reportingCategory: 'dispute_reversal',
      source: dispute.id,
      description: `Chargeback reversal for ${dispute.charge}`,
      fee: disputeFeeReturned ? -disputeFee : 0,
      feeDescription: 'Dispute fee',
    }),
  );
}

/** What Stripe's magic texts make the bank decide. https://docs.stripe.com/testing#evidence */
function magicStep(dispute: Dispute): DisputeStep | undefined {
  switch (dispute.evidence['uncategorized_text']) {
    case 'winning_evidence':
      return isInquiry(dispute) ? 'warning_closed' : 'won';
    case 'losing_evidence':
      return isInquiry(dispute) ? 'warning_closed' : 'lost';
    case 'escalate_inquiry_evidence':
      return isInquiry(dispute) ? 'escalated' : undefined;
    default:
      return undefined;
  }
}

function awaitEvidence(account: Account, stored: StoredDispute): void {
  plan(account, stored, (stored.object.evidence_details.due_by ?? 0) * 1000, 'overdue');
}

/** Sets what happens next by itself, in place of what was to happen. */
export function plan(account: Account, stored: StoredDispute, atMs: number, what: DisputeStep): void {
  halt(stored);
  stored.next = { atMs, what };
  arm(account, stored);
}

function halt(stored: StoredDispute): void {
  stored.timer?.cancel();
  stored.timer = undefined;
  stored.next = null;
}

/** Also after a restart. */
function arm(account: Account, stored: StoredDispute): void {
  const { next } = stored;
  if (next !== null) stored.timer = account.clock.at(next.atMs, () => step(account, stored, next.what));
}

function step(account: Account, stored: StoredDispute, what: DisputeStep): void {
  if (what === 'escalated') {
    escalateInquiry(account, stored);
    return;
  }
  if (what !== 'overdue') {
    closeDispute(account, stored, what);
    return;
  }
  stored.object.evidence_details.past_due = true;
  if (!isInquiry(stored.object)) {
    closeDispute(account, stored, 'lost');
    return;
  }
  // The bank may still make a dispute of it; where it does not, the inquiry ends of its age.
  plan(account, stored, stored.object.created * 1000 + account.settings.inquiryCloseMs, 'warning_closed');
  account.log.emit('charge.dispute.updated', stored.object, CLOCK_CAUSE);
}

function moveDispute(dispute: Dispute, status: DisputeStatus): void {
  if (!DISPUTE_TRANSITIONS[dispute.status].includes(status))
    throw new Error(`${dispute.id} cannot go from ${dispute.status} to ${status}`);
  dispute.status = status;
}
