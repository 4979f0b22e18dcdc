import type { DisputeFacts } from '../../../workflows/domain/dispute/dispute';

/** A dispute whose evidence is due, as a starting point for pure tests. */
export function disputeFacts(changes: Partial<DisputeFacts> = {}): DisputeFacts {
  return {
    disputeId: 'du_1',
    orderId: 'ord_1',
    paymentIntentId: 'pi_1',
    stage: 'evidence_due',
    providerStatus: 'needs_response',
    isInquiry: false,
    amount: 6990,
    currency: 'eur',
    reason: 'fraudulent',
    openedAt: '2026-01-05T00:00:00.000Z',
    dueBy: '2026-01-12T00:00:00.000Z',
    withdrawn: 6990,
    ...changes,
  };
}
