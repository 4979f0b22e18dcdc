import type { DisputeMovement, DisputeSnapshot } from '../../../../workflows/domain/dispute/dispute';
import { intentOf } from '../shop';

/**
 * A dispute of an order's first payment as the provider shows it: opened at hour 0, to be answered within ten days.
 * @param at the time of an hour, as a UTC ISO string
 */
export function disputeSnapshot(
  orderId: string,
  at: (hours: number) => string,
  changes: Partial<DisputeSnapshot> & Pick<DisputeSnapshot, 'amount'>,
): DisputeSnapshot {
  return {
    disputeId: `du_${orderId}`,
    paymentIntentId: intentOf(orderId, 1),
    chargeId: `ch_${orderId}`,
    providerStatus: 'needs_response',
    currency: 'eur',
    reason: 'fraudulent',
    openedAt: at(0),
    dueBy: at(240),
    submissionCount: 0,
    chargeRefundable: changes.providerStatus === 'won' || changes.providerStatus?.startsWith('warning_') === true,
    movements: [],
    fetchedAt: at(0),
    ...changes,
  };
}

/** The whole amount withdrawn at hour 0 with a fee, and reinstated at hour 300. */
export function movementsOf(
  amount: number,
  at: (hours: number) => string,
): { readonly withdrawn: DisputeMovement; readonly reinstated: DisputeMovement } {
  const fee = 1_500;
  const money = { amount, feeCurrency: 'eur' };
  return {
    withdrawn: { ...money, balanceTransactionId: 'txn_1', direction: 'withdrawn', fee, at: at(0) },
    reinstated: { ...money, balanceTransactionId: 'txn_2', direction: 'reinstated', fee: -fee, at: at(300) },
  };
}
