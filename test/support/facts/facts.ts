import type { OrderFacts } from '../../../workflows/domain/order/order';
import { DEFAULT_POLICY } from '../../../workflows/domain/shared/policy';

/** An order with one hold of a week on it, as a starting point for pure tests. */
export function orderFacts(changes: Partial<OrderFacts> = {}): OrderFacts {
  return {
    orderId: 'ord_1',
    cartId: 'cart_1',
    channel: 'web',
    currency: 'eur',
    state: 'allocated',
    paymentState: 'authorized',
    captureOn: 'shipment',
    lines: [
      { sku: 'MUG', quantity: 2, unitAmount: 1500, shipped: 0, cancelled: 0 },
      { sku: 'TEE', quantity: 1, unitAmount: 2500, shipped: 0, cancelled: 0 },
    ],
    shippingAmount: 490,
    taxAmount: 1000,
    amounts: { authorized: 6990, captured: 0, released: 0, refundPending: 0, refunded: 0 },
    hold: {
      paymentIntentId: 'pi_1',
      authorizedAmount: 6990,
      capturedAmount: 0,
      authorizedAt: '2026-01-01T00:00:00.000Z',
      captureBefore: '2026-01-08T00:00:00.000Z',
      multicapture: false,
    },
    supersededHolds: [],
    paymentAttempts: 1,
    paymentMethodId: 'pm_1',
    customerId: 'cus_1',
    shipments: [],
    placedAt: '2026-01-01T00:00:00.000Z',
    policy: DEFAULT_POLICY,
    ...changes,
  };
}

/** The same without a hold. */
export function withoutHold(changes: Partial<OrderFacts> = {}): OrderFacts {
  const { hold: _hold, ...facts } = orderFacts(changes);
  return facts;
}

/** An order of two goods that have shipped and are paid for. */
export const shippedOrder = (): OrderFacts =>
  withoutHold({
    state: 'shipped',
    paymentState: 'captured',
    lines: [
      { sku: 'MUG', quantity: 2, unitAmount: 1500, shipped: 2, cancelled: 0 },
      { sku: 'TEE', quantity: 1, unitAmount: 2500, shipped: 1, cancelled: 0 },
    ],
  });
