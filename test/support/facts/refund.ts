import type { CapturedPayment, RefundSituation } from '../../../workflows/domain/refund/plan';
import type { RefundFacts, RefundPart } from '../../../workflows/domain/refund/refund';
import { shippedOrder } from './facts';

/** A part of 1000 minor units that is on its way, as a starting point for pure tests. */
export function refundPart(changes: Partial<RefundPart> = {}): RefundPart {
  return {
    part: 1,
    attempt: 1,
    paymentIntentId: 'pi_1',
    amount: 1000,
    status: 'pending',
    providerRefundId: 're_1',
    createdAt: '2026-01-10T00:00:00.000Z',
    ...changes,
  };
}

/** A refund of 1000 minor units that is on its way. */
export function refundFacts(changes: Partial<RefundFacts> = {}): RefundFacts {
  return {
    refundId: 'rf_1',
    orderId: 'ord_1',
    state: 'pending',
    amount: 1000,
    currency: 'eur',
    reason: 'requested_by_customer',
    actor: 'tester',
    parts: [refundPart()],
    requestedAt: '2026-01-10T00:00:00.000Z',
    settleBy: '2026-01-20T00:00:00.000Z',
    ...changes,
  };
}

/** A payment of 69.90 of which nothing was given back. */
export function capturedPayment(changes: Partial<CapturedPayment> = {}): CapturedPayment {
  return {
    attempt: 1,
    paymentIntentId: 'pi_1',
    captured: 6990,
    refundPending: 0,
    refunded: 0,
    refundedOutside: 0,
    disputed: 0,
    chargedBack: false,
    capturedAt: '2026-01-02T00:00:00.000Z',
    ...changes,
  };
}

/** An order that has shipped and was paid for with it. */
export const refundSituation = (changes: Partial<RefundSituation> = {}): RefundSituation => ({
  facts: shippedOrder(),
  payments: [capturedPayment()],
  captureUnderWay: 0,
  held: 0,
  ...changes,
});
