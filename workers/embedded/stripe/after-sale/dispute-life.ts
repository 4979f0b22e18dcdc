import type { Account } from '../state/account';
import { writeMovement } from './balance';
import { retireFraudWarnings } from './fraud-warnings';
import { CLOCK_CAUSE, type Charge, type RequestCause } from '../state/model';
import { closeDispute, disputes, disputesOf, halt, isInquiry, isOpen, moveDispute } from './dispute-states';
import type { Dispute, DisputeSpec, DisputeStep, StoredDispute } from './money-model';
import { assertDisputable, newDispute } from './new-dispute';
import { refunds, settleRefund } from './refund-life';
import { store } from '../http/resource';

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

/** The bank may change the disputed amount, e.g. with a currency's rate. Source: Stripe API, `amount` of a dispute. */
export function changeAmount(account: Account, { object: dispute }: StoredDispute, amount: number): void {
  if (!Number.isSafeInteger(amount) || amount <= 0) throw new RangeError(`${amount} cannot be disputed`);
  dispute.amount = amount;
  account.log.emit('charge.dispute.updated', dispute, CLOCK_CAUSE);
}

/** The bank turns an inquiry into a dispute and withdraws the money. @throws Error where it is not an open inquiry */
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
  // What was refunded before is not withdrawn again.
  dispute.amount = Math.min(dispute.amount, charge.amount_captured - charge.amount_refunded);
  withdraw(account, dispute);
  stored.decided = null;
  awaitEvidence(account, stored);
  account.log.emit('charge.dispute.updated', dispute, CLOCK_CAUSE);
  account.log.emit('charge.dispute.funds_withdrawn', dispute, CLOCK_CAUSE);
}

/**
 * The bank fails pending refunds once it withdraws the money itself, and also a refund that was sent since `reviewedSince`, while it
 * reviewed the answer to an inquiry. Measured.
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

/** The bank withdraws the disputed amount, and Stripe its fee. */
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

/** The bank's decision for each of Stripe's magic texts. https://docs.stripe.com/testing#evidence */
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

/** Sets the next automatic step, in place of the planned one. */
export function plan(account: Account, stored: StoredDispute, atMs: number, what: DisputeStep): void {
  halt(stored);
  stored.next = { atMs, what };
  armDispute(account, stored);
}

/** Sets the timer of the next automatic step; also after a restart. */
export function armDispute(account: Account, stored: StoredDispute): void {
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
  // The bank may still turn it into a dispute; otherwise the inquiry ends when its time is over.
  plan(account, stored, stored.object.created * 1000 + account.settings.inquiryCloseMs, 'warning_closed');
  account.log.emit('charge.dispute.updated', stored.object, CLOCK_CAUSE);
}
