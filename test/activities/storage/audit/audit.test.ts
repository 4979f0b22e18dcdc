import type { PaymentStatus } from '../../../../workflows/payment/ports';
import { authorized, authorizeInput, captureOf, cartOf, intentOf, openShop, sku, type Shop } from '../shop';

let shop: Shop;
beforeAll(async () => void (shop = await openShop()));
afterAll(() => shop.close());

interface Entry {
  readonly operation_key: string;
  readonly action: string;
  readonly actor: string;
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown>;
}

const entries = (orderId: string): Promise<Entry[]> =>
  shop.sql('SELECT operation_key, action, actor, before, after FROM audit_log WHERE order_id = $1 ORDER BY entry_id', [
    orderId,
  ]);
const actions = async (orderId: string): Promise<string[]> => (await entries(orderId)).map((one) => one.action);
const twice = async (act: () => Promise<unknown>): Promise<void> => {
  for (const _time of [1, 2]) await act();
};
const record = (orderId: string, attempt: number, status: PaymentStatus) =>
  shop.payments.recordAttempt({ orderId, attempt, status });

test('every answer of the bank is an entry with before and after, once, without secrets', async () => {
  const orderId = 'answers-1';
  const paymentIntentId = intentOf(orderId, 1);
  await twice(() => shop.payments.beginAttempt(authorizeInput(orderId, cartOf('cart-answers-1'))));
  const clientSecret = `${paymentIntentId}_secret_Zm9v`;
  await twice(() => record(orderId, 1, { status: 'requires_action', paymentIntentId, clientSecret }));
  await twice(() => record(orderId, 1, { status: 'processing', paymentIntentId }));
  const refusal = { code: 'card_declined', declineCode: 'insufficient_funds' };
  await twice(() => record(orderId, 1, { status: 'declined', paymentIntentId, ...refusal }));
  const held = authorized(orderId, 1, 7_303);
  await twice(() => record(orderId, 1, held));
  const all = await entries(orderId);
  expect(all.map((one) => [one.action, one.actor, one.before?.['status'] ?? null, one.after['status']])).toEqual([
    ['begin payment', 'customer', null, 'begun'],
    ['payment requires_action', 'payment provider', 'begun', 'requires_action'],
    ['payment processing', 'payment provider', 'requires_action', 'processing'],
    ['payment declined', 'payment provider', 'processing', 'declined'],
    ['payment authorized', 'payment provider', 'declined', 'authorized'],
  ]);
  expect(new Set(all.map((one) => one.operation_key))).toEqual(new Set([`authorize:${orderId}:1`]));
  expect(all[0]?.after).toEqual({
    attempt: 1,
    status: 'begun',
    purpose: 'checkout',
    amount: 7_303,
    currency: 'eur',
    offSession: false,
    paymentIntentId: null,
  });
  expect(all[3]?.after).toMatchObject({ ...refusal, paymentIntentId, authorized: 0 });
  expect(all[4]).toMatchObject({ before: { authorized: 0 }, after: { authorized: 7_303, captured: 0 } });
  expect(JSON.stringify(all)).not.toMatch(/secret|pm_|buyer@|Lovelace|customer-1/);
});

test('stock is reserved and released with before and after, each once', async () => {
  const orderId = 'stock-1';
  const lines = [{ sku: sku.giftCard, quantity: 3 }];
  await twice(() => shop.orders.reserveStock({ orderId, lines }));
  await twice(() => shop.orders.releaseStock({ orderId }));
  const place = { sku: sku.giftCard, warehouseId: 'berlin' };
  const reserved = [{ ...place, quantity: 3 }];
  expect(await entries(orderId)).toMatchObject([
    {
      operation_key: `reserve:${orderId}`,
      action: 'reserve stock',
      before: { stock: [{ ...place, available: 1_000_000 }], reserved: [] },
      after: { stock: [{ ...place, available: 999_997 }], reserved },
    },
    {
      operation_key: `reserve:${orderId}`,
      action: 'release stock',
      before: { reserved, tombstoned: false },
      after: { reserved: [], tombstoned: true },
    },
  ]);
  // A release that comes first leaves a tombstone, which is an action too; one that finds nothing in stock is none.
  await twice(() => shop.orders.releaseStock({ orderId: 'stock-2' }));
  expect(await actions('stock-2')).toEqual(['release stock']);
  await shop.orders.reserveStock({ orderId: 'stock-3', lines: [{ sku: sku.lastOne, quantity: 2 }] });
  expect(await actions('stock-3')).toEqual([]);
});

test('sealing is an entry for every attempt that it newly seals', async () => {
  const orderId = 'seal-1';
  await shop.payments.beginAttempt(authorizeInput(orderId, cartOf('cart-seal-1')));
  await shop.payments.sealAttempt(orderId, 1);
  await twice(() => shop.payments.sealAttempts(orderId, 3));
  const sealed = (await entries(orderId)).filter((one) => one.action === 'seal payment');
  expect(sealed.map(({ operation_key, before, after }) => ({ operation_key, before, after }))).toEqual([
    {
      operation_key: `authorize:${orderId}:1`,
      before: { attempt: 1, status: 'begun', tombstoned: false },
      after: { attempt: 1, status: 'begun', tombstoned: true },
    },
    ...[2, 3].map((attempt) => ({
      operation_key: `authorize:${orderId}:${attempt}`,
      before: null,
      after: { attempt, status: 'sealed', tombstoned: true },
    })),
  ]);
});

test('the log has an order’s steps from its first payment to its cancel', async () => {
  const orderId = 'told-1';
  const placed = await shop.place(orderId);
  const capture = captureOf(placed, [{ sku: sku.mug, quantity: 1 }], 'A', false);
  await twice(() => shop.payments.beginCapture(capture));
  await shop.capture(capture);
  await shop.payments.sealAttempts(orderId, 1);
  await shop.payments.recordVoid({ orderId, attempt: 1, paymentIntentId: capture.paymentIntentId, reason: 'cancel' });
  await twice(() => shop.orders.cancelOrder({ orderId, reason: 'r', actor: 'a' }));
  expect(await actions(orderId)).toEqual([
    'begin payment',
    'payment authorized',
    'reserve stock',
    'place',
    'begin capture',
    'capture',
    'seal payment',
    'void: cancel',
    'cancel',
  ]);
  const begun = (await entries(orderId)).find((one) => one.action === 'begin capture');
  expect(begun).toMatchObject({
    operation_key: `capture:${orderId}:${capture.paymentIntentId}:dhl/A`,
    actor: 'warehouse',
    before: { attempt: 1, status: 'authorized', authorized: 7_303, captured: 0 },
    after: { capture: { amount: capture.amount, final: false, shipmentId: 'dhl/A' } },
  });
});

test('a checkout that never became an order has its undo and its exception in the log', async () => {
  const orderId = 'never-1';
  await twice(() => shop.orders.withdrawOrder({ orderId }));
  const workflowId = 'checkout-never-1';
  const exception = { orderId, workflowId, kind: 'void_failed', message: 'm', owner: 'payments' } as const;
  await twice(() => shop.orders.raiseException(exception));
  await twice(() => shop.orders.resolveException({ orderId, workflowId, kinds: ['void_failed'] }));
  expect(await actions(orderId)).toEqual(['withdraw', 'raise exception', 'resolve exception']);
});

test('a step that fails leaves no entry', async () => {
  const placed = await shop.place('fails-1');
  const before = await actions('fails-1');
  const tooMuch = { ...captureOf(placed, [{ sku: sku.mug, quantity: 1 }], 'A', false), amount: 7_304 };
  expect(await shop.payments.beginCapture(tooMuch)).toMatchObject({ kind: 'changed' });
  await expect(shop.orders.releaseStock({ orderId: 'fails-1' })).rejects.toMatchObject({ type: 'Defect' });
  expect(await actions('fails-1')).toEqual(before);
});
