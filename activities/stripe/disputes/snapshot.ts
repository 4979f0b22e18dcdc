import type Stripe from 'stripe';
import type { DisputeMovement, DisputeSnapshot } from '../../../workflows/domain/dispute/dispute';
import { inCurrencyOf } from '../settlement/balance-money';
import { idOf } from '../payments/payment-status';

/**
 * Maps a freshly fetched dispute; undefined if its charge has no PaymentIntent: such a charge is not ours.
 *
 * @param fetchedAtMs when it was requested, by our clock
 */
export function disputeSnapshot(dispute: Stripe.Dispute, fetchedAtMs: number): DisputeSnapshot | undefined {
  const paymentIntentId = idOf(dispute.payment_intent);
  if (paymentIntentId === undefined) return undefined;
  const { due_by: dueBy, submission_count: submissionCount } = dispute.evidence_details;
  return {
    disputeId: dispute.id,
    paymentIntentId,
    chargeId: idOf(dispute.charge) ?? '',
    providerStatus: dispute.status,
    amount: dispute.amount,
    currency: dispute.currency,
    reason: dispute.reason,
    openedAt: at(dispute.created),
    // 0 if the bank accepts no answer. Source: Stripe API, `evidence_details.due_by`.
    ...(dueBy === null || dueBy === 0 ? {} : { dueBy: at(dueBy) }),
    submissionCount,
    chargeRefundable: dispute.is_charge_refundable,
    movements: [...dispute.balance_transactions]
      .sort((one, other) => one.created - other.created)
      .map((one) => movement(dispute, one)),
    fetchedAt: new Date(fetchedAtMs).toISOString(),
  };
}

function movement(dispute: Stripe.Dispute, moved: Stripe.BalanceTransaction): DisputeMovement {
  return {
    balanceTransactionId: moved.id,
    direction: moved.amount < 0 ? 'withdrawn' : 'reinstated',
    amount: Math.abs(inCurrencyOf(dispute, moved).amount),
    ...(moved.currency !== dispute.currency && { isConverted: true }),
    fee: moved.fee,
    feeCurrency: moved.currency,
    at: at(moved.created),
  };
}

function at(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
