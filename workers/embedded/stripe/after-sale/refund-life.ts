import type { Account } from '../state/account';
import { writeMovement } from './balance';
import { endRefundedInquiries } from './dispute-states';
import { retireFraudWarnings } from './fraud-warnings';
import { CLOCK_CAUSE, type Charge, type RequestCause } from '../state/model';
import type { FinalRefundStatus, Refund, RefundFailureReason, RefundStatus, StoredRefund } from './money-model';
import type { RefundOutcome } from './refund-outcomes';
import { defineResource, store } from '../http/resource';

/** Stripe's size of a list inside an object. */
const MAX_INCLUDED = 10;

export const refunds = defineResource<StoredRefund>({
  kind: 'refund',
  object: 'refund',
  path: 'refunds',
  snapshot: 'refunds',
  expandable: {
    balance_transaction: 'balance_transaction',
    charge: 'charge',
    customer: 'customer',
    failure_balance_transaction: 'balance_transaction',
    payment_intent: 'payment_intent',
    payment_method: 'payment_method',
    source_transfer_reversal: 'never',
    transfer_reversal: 'never',
  },
  render: (refund) => refund.object,
  indexes: ({ object }) => ({ charge: object.charge, payment_intent: object.payment_intent }),
  save: ({ timer: _timer, ...refund }) => refund,
  rearm: schedule,
});

/** The newest refunds of a charge as `expand` of `refunds` answers them. */
export function refundsOf(account: Account, chargeId: string): object {
  const found = account.of(refunds).page({ limit: MAX_INCLUDED, index: 'charge', indexValue: chargeId });
  const { data = [], hasMore = false } = found ?? {};
  const url = `/v1/charges/${chargeId}/refunds`;
  return { object: 'list', data: data.map(({ object }) => object), has_more: hasMore, url };
}

/**
 * Where a refund may go. Success is not the end: the customer's bank may send the money back weeks later.
 * https://docs.stripe.com/refunds#failed-refunds
 */
export const REFUND_TRANSITIONS: Readonly<Record<RefundStatus, readonly RefundStatus[]>> = {
  pending: ['succeeded', 'failed', 'canceled'],
  requires_action: ['succeeded', 'failed', 'canceled'],
  succeeded: ['failed'],
  failed: [],
  canceled: [],
};

/** Books a refund of this charge and plans its `outcome`. The caller has checked the amount. */
export function startRefund(
  account: Account,
  charge: Charge,
  refund: Refund,
  outcome: RefundOutcome,
  cause: RequestCause,
): StoredRefund {
  const { status, waitsForMoney, next } = firstStep(account, outcome);
  const stored: StoredRefund = { id: refund.id, object: refund, next, timer: undefined };
  refund.status = status;
  refund.destination_details = destination(status);
  if (status === 'pending') refund.pending_reason = pendingReasonOf(outcome);
  if (status === 'requires_action') refund.next_action = askForDestination(account, refund);
  if (!waitsForMoney) takeMoney(account, refund);
  charge.amount_refunded += refund.amount;
  charge.refunded = charge.amount_refunded >= charge.amount_captured;
  store(account, refunds, stored);
  account.log.emit('refund.created', refund, cause);
  account.log.emit('charge.refunded', charge, cause);
  if (status === 'succeeded') succeeded(account, refund, cause);
  retireFraudWarnings(account, charge, cause);
  schedule(account, stored);
  return stored;
}

/**
 * Changes the status of a refund. A failure after a success sends `refund.failed` and `charge.refund.updated` but no `refund.updated`,
 * as measured with Stripe; here every failure does.
 * @throws Error for a transition that is not possible
 */
export function settleRefund(
  account: Account,
  stored: StoredRefund,
  to: FinalRefundStatus,
  failureReason: RefundFailureReason = 'unknown',
  cause: RequestCause = CLOCK_CAUSE,
): void {
  const refund = stored.object;
  if (!REFUND_TRANSITIONS[refund.status].includes(to))
    throw new Error(`${refund.id} cannot go from ${refund.status} to ${to}`);
  stored.timer?.cancel();
  stored.timer = undefined;
  stored.next = null;
  refund.status = to;
  delete refund.pending_reason;
  delete refund.next_action;
  if (to === 'succeeded') {
    if (refund.balance_transaction === null) takeMoney(account, refund);
    succeeded(account, refund, cause);
    return;
  }
  giveMoneyBack(account, refund);
  if (to === 'failed') refund.failure_reason = failureReason;
  account.log.emit(to === 'failed' ? 'refund.failed' : 'refund.updated', refund, cause);
  account.log.emit('charge.refund.updated', refund, cause);
}

interface FirstStep {
  status: RefundStatus;
  /** No money leaves the balance while the refund is pending. */
  waitsForMoney: boolean;
  next: StoredRefund['next'];
}

function firstStep(account: Account, outcome: RefundOutcome): FirstStep {
  const { refundSettleMs, refundFailAfterMs, refundActionMs } = account.settings;
  const after = (defaultMs: number, to: FinalRefundStatus): StoredRefund['next'] => ({
    atMs: account.clock.now() + (('afterMs' in outcome ? outcome.afterMs : undefined) ?? defaultMs),
    to,
    failureReason: ('failureReason' in outcome ? outcome.failureReason : undefined) ?? 'unknown',
  });
  switch (outcome.kind) {
    case 'succeed':
      return { status: 'succeeded', waitsForMoney: false, next: null };
    case 'fail_after':
      return { status: 'succeeded', waitsForMoney: false, next: after(refundFailAfterMs, 'failed') };
    case 'canceled':
      return { status: 'pending', waitsForMoney: false, next: after(refundSettleMs, 'canceled') };
    case 'pending': {
      const { then = 'succeed', pendingReason = 'processing' } = outcome;
      const next = then === 'stay' ? null : after(refundSettleMs, then === 'fail' ? 'failed' : 'succeeded');
      return { status: 'pending', waitsForMoney: pendingReason !== 'processing', next };
    }
    case 'requires_action': {
      const { then = 'expire' } = outcome;
      const to = ({ succeed: 'succeeded', cancel: 'canceled', expire: 'failed' } as const)[
        then === 'stay' ? 'expire' : then
      ];
      const next = then === 'stay' ? null : after(then === 'expire' ? refundActionMs : refundSettleMs, to);
      return { status: 'requires_action', waitsForMoney: false, next };
    }
  }
}

function pendingReasonOf(outcome: RefundOutcome): NonNullable<Refund['pending_reason']> {
  return (outcome.kind === 'pending' ? outcome.pendingReason : undefined) ?? 'processing';
}

/** Sets the timer of a refund's planned outcome; also after a restart. */
function schedule(account: Account, stored: StoredRefund): void {
  const { next } = stored;
  if (next === null) return;
  stored.timer = account.clock.at(next.atMs, () => settleRefund(account, stored, next.to, next.failureReason));
}

function takeMoney(account: Account, refund: Refund): void {
  refund.balance_transaction = writeMovement(account, {
    amount: -refund.amount,
    currency: refund.currency,
    type: 'refund',
    source: refund.id,
    description: `REFUND FOR CHARGE (${refund.charge})`,
  }).id;
}

function giveMoneyBack(account: Account, refund: Refund): void {
  const charge = account.charges.get(refund.charge);
  if (charge === undefined) throw new Error(`${refund.id} is of a charge that does not exist`);
  charge.amount_refunded -= refund.amount;
  charge.refunded = false;
  // Money that never left the balance is not returned to it.
  if (refund.balance_transaction === null) return;
  refund.failure_balance_transaction = writeMovement(account, {
    amount: refund.amount,
    currency: refund.currency,
    type: 'refund_failure',
    source: refund.id,
    description: `REFUND FAILURE (${refund.charge})`,
  }).id;
}

/** The bank's reference of a refund becomes known shortly after its success, with events of its own. */
function succeeded(account: Account, refund: Refund, cause: RequestCause): void {
  refund.destination_details = {
    card: {
      reference: account.newId('arn', 23).slice('arn_'.length),
      reference_status: 'available',
      reference_type: 'acquirer_reference_number',
      type: 'refund',
    },
    type: 'card',
  };
  account.log.emit('refund.updated', refund, cause);
  account.log.emit('charge.refund.updated', refund, cause);
  endRefundedInquiries(account, refund.charge, refundedOf(account, refund.charge), cause);
}

/** The refunded amount of a charge, in minor units. */
function refundedOf(account: Account, chargeId: string): number {
  return account
    .of(refunds)
    .filed('charge', chargeId)
    .reduce((sum, { object }) => (object.status === 'succeeded' ? sum + object.amount : sum), 0);
}

function destination(status: RefundStatus): NonNullable<Refund['destination_details']> {
  if (status !== 'succeeded') return { card: { type: 'pending' }, type: 'card' };
  const card = { reference_status: 'pending', reference_type: 'acquirer_reference_number', type: 'refund' } as const;
  return { card, type: 'card' };
}

function askForDestination(account: Account, refund: Refund): NonNullable<Refund['next_action']> {
  const expiresAt = Math.floor((account.clock.now() + account.settings.refundActionMs) / 1000);
  const sent = { email_sent_at: account.clock.nowSeconds(), email_sent_to: refund.instructions_email ?? '' };
  return { display_details: { email_sent: sent, expires_at: expiresAt }, type: 'display_details' };
}
