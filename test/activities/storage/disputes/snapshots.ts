import type { DisputeSnapshot } from '../../../../workflows/domain/dispute/dispute';
import { intentOf } from '../shop';

/**
 * A dispute of an order's first payment as the provider tells of it: opened at hour 0, to be answered within ten days.
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
