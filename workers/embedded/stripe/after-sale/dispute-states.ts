import type { Account } from '../state/account';
import { writeMovement } from './balance';
import { CLOCK_CAUSE, type Charge, type RequestCause } from '../state/model';
import type { Dispute, DisputeOutcome, DisputeStatus, StoredDispute } from './money-model';
import { defineResource } from '../http/resource';

// Its timers are attached in http/resources.ts: a dispute that begins fails refunds, and refunds end inquiries.
export const disputes = defineResource<StoredDispute>({
  kind: 'dispute',
  object: 'dispute',
  path: 'disputes',
  snapshot: 'disputes',
  expandable: { charge: 'charge', payment_intent: 'payment_intent' },
  render: (dispute) => dispute.object,
  indexes: ({ object }) => ({ charge: object.charge, payment_intent: object.payment_intent }),
  save: ({ timer: _timer, ...dispute }) => dispute,
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

/** The disputes of a charge, oldest first. */
export function disputesOf(account: Account, chargeId: string): StoredDispute[] {
  return account.of(disputes).filed('charge', chargeId);
}

/** Why a charge cannot be refunded: the bank has withdrawn its money already. An inquiry withdraws nothing. */
export function chargebackOf(account: Account, charge: Charge): Dispute | undefined {
  return disputesOf(account, charge.id)
    .map(({ object }) => object)
    .find((dispute) => !isInquiry(dispute) && dispute.status !== 'won');
}

/** The bank's decision, or the account accepts the dispute (`lost`). @throws Error where it cannot end like this */
export function closeDispute(
  account: Account,
  stored: StoredDispute,
  outcome: DisputeOutcome,
  cause: RequestCause = CLOCK_CAUSE,
): void {
  const dispute = stored.object;
  moveDispute(dispute, outcome);
  halt(stored);
  // A lost dispute loses the money permanently; an inquiry withdrew none.
  dispute.is_charge_refundable = outcome !== 'lost';
  if (outcome === 'won') {
    reinstate(account, dispute);
    // Measured: the event of the returned money comes before that of the end.
    account.log.emit('charge.dispute.funds_reinstated', dispute, cause);
  }
  account.log.emit('charge.dispute.closed', dispute, cause);
}

/** Ends the inquiries of a fully refunded payment. https://docs.stripe.com/disputes */
export function endRefundedInquiries(account: Account, chargeId: string, refunded: number, cause: RequestCause): void {
  const inquiries = disputesOf(account, chargeId).filter(({ object }) => isInquiry(object) && isOpen(object));
  if (inquiries.length === 0) return;
  const captured = account.charges.get(chargeId)?.amount_captured ?? 0;
  if (refunded < captured) return;
  for (const { id } of inquiries) {
    const stored = account.of(disputes).get(id);
    if (stored !== undefined) closeDispute(account, stored, 'warning_closed', cause);
  }
}

/** Cancels the next automatic step. */
export function halt(stored: StoredDispute): void {
  stored.timer?.cancel();
  stored.timer = undefined;
  stored.next = null;
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

/** Changes the status; throws for a transition that the table does not have. */
export function moveDispute(dispute: Dispute, status: DisputeStatus): void {
  if (!DISPUTE_TRANSITIONS[dispute.status].includes(status))
    throw new Error(`${dispute.id} cannot go from ${dispute.status} to ${status}`);
  dispute.status = status;
}
