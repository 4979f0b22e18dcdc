import { createOutbox } from '../../../../activities/storage';
import { afterSaleEventData } from '../../../../clients/events/after-sale-events';
import { orderEventData, orderEventSchema, type OrderEvent } from '../../../../clients/client';
import type { OrderEventType } from '../../../../workflows/domain/shared/events';
import { captureOf, cartOf, intentOf, openShop, sku, type Shop } from '../shop';

let shop: Shop;
beforeAll(async () => void (shop = await openShop()));
afterAll(() => shop.close());

const mugs = (quantity: number) => [{ sku: sku.mug, quantity }];
const teapot = [{ sku: sku.teapot, quantity: 1 }];
const now = (): string => new Date().toISOString();

/** Every way in which storage makes an event; each is the story of an order of its own. */
const stories: readonly (readonly [string, (orderId: string) => Promise<unknown>])[] = [
  [
    'two parcels, delivered',
    async (orderId) => {
      await shop.place(orderId);
      const allocated = await shop.orders.allocateOrder({ orderId });
      const first = await shop.capture(captureOf(allocated, mugs(2), 'A', false));
      await shop.capture(captureOf(first, teapot, 'B', true));
      await shop.orders.recordDelivery({ orderId, deliveredAt: now() });
    },
  ],
  [
    'captured when placed, shipped later',
    async (orderId) => {
      await shop.place(orderId);
      await shop.capture({ orderId, paymentIntentId: intentOf(orderId, 1), amount: 7_303, final: true });
      const shipment = { shipmentId: 'dhl/W', carrier: 'dhl', trackingNumber: 'W', lines: [...mugs(2), ...teapot] };
      await shop.orders.allocateOrder({ orderId });
      await shop.orders.recordShipment({ orderId, shipment });
    },
  ],
  [
    'a hold that is warned of, expires, is asked for and renewed',
    async (orderId) => {
      await shop.place(orderId);
      await shop.orders.warnOfHold({ orderId });
      await shop.payments.recordHoldExpired({ orderId, paymentIntentId: intentOf(orderId, 1) });
      await shop.orders.requestPayment({ orderId, reason: 'authentication_required', deadline: now() });
      await shop.authorize(orderId, cartOf(`cart-${orderId}`), { attempt: 2, purpose: 'reauthorization' });
    },
  ],
  [
    'a hold canceled at the provider by somebody else',
    async (orderId) => {
      await shop.place(orderId);
      const status = { status: 'canceled', paymentIntentId: intentOf(orderId, 1), reason: 'other' } as const;
      await shop.payments.recordAttempt({ orderId, attempt: 1, status });
    },
  ],
  [
    'cancelled before anything shipped, and after a part',
    async (orderId) => {
      const voidAndCancel = async (id: string): Promise<void> => {
        await shop.payments.recordVoid({ orderId: id, attempt: 1, paymentIntentId: intentOf(id, 1), reason: 'cancel' });
        await shop.orders.cancelOrder({ orderId: id, reason: 'changed mind', actor: 'customer-1' });
      };
      await shop.place(orderId);
      await voidAndCancel(orderId);
      const placed = await shop.place(`${orderId}-part`);
      await shop.capture(captureOf(placed, mugs(1), 'P', false));
      await voidAndCancel(`${orderId}-part`);
    },
  ],
  [
    'captured by somebody else, and a person closes it',
    async (orderId) => {
      await shop.place(orderId);
      const status = { status: 'captured', paymentIntentId: intentOf(orderId, 1), capturedAmount: 7_303 } as const;
      await shop.payments.recordAttempt({ orderId, attempt: 1, status });
      const workflowId = `order-${orderId}`;
      const exception = { orderId, workflowId, kind: 'shipment_overdue', message: 'm', owner: 'warehouse' } as const;
      await shop.orders.raiseException(exception);
      const kinds = ['external_capture', 'shipment_overdue'] as const;
      await shop.orders.resolveException({ orderId, workflowId, kinds });
    },
  ],
];

test('every event that storage writes is what its published schema says, and nothing more', async () => {
  for (const [index, [, tell]] of stories.entries()) await tell(`ev-${index}`);
  const outbox = createOutbox({ pool: shop.pool });
  // Through JSON, as a consumer gets it. The schema removes unknown fields, so they would be missing here.
  const events = JSON.parse(JSON.stringify(await outbox.claimUnpublished(1_000, 1_000))) as unknown[];
  const parsed = events.map((one) => orderEventSchema.parse(one));
  expect(parsed).toEqual(events);
  const types = new Set<OrderEventType>(parsed.map((one) => one.type));
  // Those of refunds and disputes are written, and checked, by refund-and-dispute-events.test.ts.
  const ofOrders = Object.keys(orderEventData).filter((type) => !Object.hasOwn(afterSaleEventData, type));
  expect([...types].sort()).toEqual(ofOrders.sort());
  const fields = (type: OrderEventType): string[] => [
    ...new Set(parsed.filter((one) => one.type === type).flatMap((one) => Object.keys(one.data))),
  ];
  // No field of a schema is one that is never written.
  for (const type of ofOrders as OrderEventType[]) {
    expect([type, fields(type).sort()]).toEqual([type, Object.keys(orderEventData[type].shape).sort()]);
  }
});

const placed: OrderEvent = {
  eventId: '5b6f9e2c-8f5b-4a3e-9c55-0d6c2f1f2a11',
  type: 'OrderPaid',
  version: 1,
  orderId: 'o',
  sequence: 1,
  occurredAt: '2026-01-01T00:00:00.000Z',
  causation: 'capture:o:pi:order',
  traceId: '0'.repeat(32),
  data: { captured: 1, currency: 'eur' },
};

test.each([
  ['another version', { version: 2 }],
  ['an unknown type', { type: 'OrderEaten' }],
  ['data of another type', { data: { kind: 'k' } }],
  ['an amount that is no integer', { data: { captured: 0.5, currency: 'eur' } }],
  ['a sequence from zero', { sequence: 0 }],
  ['a local time', { occurredAt: '2026-01-01 00:00:00' }],
])('refused: %s', (_name, change) => {
  expect(orderEventSchema.safeParse(placed).success).toBe(true);
  expect(orderEventSchema.safeParse({ ...placed, ...change }).success).toBe(false);
});

test('a field that a later release adds is let pass', () => {
  expect(orderEventSchema.parse({ ...placed, region: 'eu' })).toEqual(placed);
});
