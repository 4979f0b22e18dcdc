import { readOrder } from '../../../../activities/storage/orders/record';
import type { OrderFacts } from '../../../../workflows/domain/order/order';
import { waitingFor } from '../../../../workflows/domain/shared/waiting';
import { authorized, captureOf, cartOf, intentOf, openShop, sku, twoLines, type Shop } from '../shop';

let shop: Shop;
beforeAll(async () => void (shop = await openShop()));
afterAll(() => shop.close());

/** What a step answered must be what a fresh read gives. */
async function expectStored(facts: OrderFacts | null | undefined): Promise<void> {
  expect((await readOrder(shop.pool, facts?.orderId ?? ''))?.facts).toEqual(facts);
}

const eventsOf = async (orderId: string): Promise<string[]> => {
  const text = 'SELECT type FROM outbox WHERE order_id = $1 ORDER BY sequence';
  return (await shop.sql<{ type: string }>(text, [orderId])).map((row) => row.type);
};

const mugs = (quantity: number) => [{ sku: sku.mug, quantity }];

test('a hold that cannot be kept open is followed by one for the remainder', async () => {
  const cart = cartOf('cart-rest-1');
  const placed = await shop.place('rest-1', cart);
  const first = await shop.capture(captureOf(placed, mugs(1), 'A', true));
  await expectStored(first);
  expect(first.paymentState).toBe('partially_captured');
  expect(first.hold).toBeUndefined();
  // Nothing needs to follow for the order to have an owner and a time.
  expect(waitingFor(first)).toMatchObject({ on: 'provider', until: first.paymentDeadline });
  expect(await shop.violations()).toEqual([]);
  await shop.authorize('rest-1', cart, { attempt: 2, purpose: 'remainder', amount: 5_301 });
  const held = await readOrder(shop.pool, 'rest-1');
  expect(held?.facts).toMatchObject({
    paymentState: 'partially_captured',
    hold: { paymentIntentId: intentOf('rest-1', 2) },
  });
  expect(await eventsOf('rest-1')).toContain('PaymentReauthorized');
  expect(await shop.violations()).toEqual([]);
});

test('a renewed hold replaces the old one, and voiding the old one changes nothing more', async () => {
  const cart = cartOf('cart-renew-1');
  await shop.place('renew-1', cart);
  await shop.orders.warnOfHold({ orderId: 'renew-1' });
  const status = await shop.authorize('renew-1', cart, { attempt: 2, purpose: 'reauthorization' });
  const again = await shop.payments.recordAttempt({ orderId: 'renew-1', attempt: 2, status });
  await expectStored(again.facts);
  expect(again.facts).toMatchObject({ paymentState: 'authorized', paymentAttempts: 2 });
  expect(again.facts?.holdWarnedAt).toBeUndefined();
  const late = await shop.payments.recordAttempt({
    orderId: 'renew-1',
    attempt: 1,
    status: authorized('renew-1', 1, 7_303),
  });
  expect(late.facts?.hold?.paymentIntentId).toBe(intentOf('renew-1', 2));
  await shop.payments.sealAttempt('renew-1', 1);
  const voided = await shop.payments.recordVoid({
    orderId: 'renew-1',
    attempt: 1,
    paymentIntentId: intentOf('renew-1', 1),
    reason: 'replaced',
  });
  expect(voided).toMatchObject({
    releasedAmount: 7_303,
    facts: { paymentState: 'authorized', hold: { paymentIntentId: intentOf('renew-1', 2) } },
  });
  expect(await shop.violations()).toEqual([]);
});

test('an expired hold is reported once; the customer is asked, pays again, and the order continues', async () => {
  const cart = cartOf('cart-expire-1');
  await shop.place('expire-1', cart);
  const expire = () =>
    shop.payments.recordHoldExpired({ orderId: 'expire-1', paymentIntentId: intentOf('expire-1', 1) });
  const expired = await expire();
  await expectStored(expired);
  expect(expired).toMatchObject({ paymentState: 'expired', amounts: { released: 7_303 } });
  expect(await expire()).toEqual(expired);
  // Until when another hold is got is written with the end of this one: nothing needs to follow for the order to have an owner.
  expect(waitingFor(expired)).toMatchObject({ on: 'provider', until: expired.paymentDeadline });
  expect(await shop.violations()).toEqual([]);
  const deadline = new Date(Date.now() + 1_000_000).toISOString();
  const ask = () =>
    shop.orders.requestPayment({
      orderId: 'expire-1',
      reason: 'authentication_required',
      paymentIntentId: 'pi_x',
      deadline,
    });
  const asked = await ask();
  await expectStored(asked);
  expect(await ask()).toEqual(asked);
  expect(asked).toMatchObject({
    paymentState: 'payment_needed',
    paymentDeadline: deadline,
    pendingPaymentIntentId: 'pi_x',
  });
  await shop.authorize('expire-1', cart, { attempt: 2, purpose: 'reauthorization' });
  const renewed = (await readOrder(shop.pool, 'expire-1'))?.facts;
  expect(renewed?.paymentState).toBe('authorized');
  expect(renewed?.pendingPaymentIntentId).toBeUndefined();
  expect(await eventsOf('expire-1')).toEqual([
    'OrderPlaced',
    'OrderAllocated',
    'HoldExpired',
    'PaymentActionRequired',
    'PaymentReauthorized',
  ]);
  const data = await shop.sql<{ link: string }>(
    `SELECT data ->> 'link' AS link FROM outbox WHERE type = 'PaymentActionRequired'`,
  );
  expect(data).toEqual([{ link: 'https://shop.test/pay/expire-1' }]);
});

test('money captured by somebody else is booked, shown and owned', async () => {
  await shop.place('external-1');
  const status = { status: 'captured', paymentIntentId: intentOf('external-1', 1), capturedAmount: 7_303 } as const;
  const recorded = await shop.payments.recordAttempt({ orderId: 'external-1', attempt: 1, status });
  await expectStored(recorded.facts);
  expect(recorded.facts).toMatchObject({
    state: 'paid',
    paymentState: 'captured',
    exception: { kind: 'external_capture', owner: 'payments' },
  });
  const again = await shop.payments.recordAttempt({ orderId: 'external-1', attempt: 1, status });
  expect(again).toEqual(recorded);
});

test('money of our own capture is not mistaken for somebody else’s', async () => {
  const placed = await shop.place('ours-1');
  const capture = captureOf(
    placed,
    twoLines().map(({ sku: item, quantity }) => ({ sku: item, quantity })),
    'A',
    true,
  );
  await shop.payments.beginCapture(capture);
  const status = { status: 'captured', paymentIntentId: intentOf('ours-1', 1), capturedAmount: 7_303 } as const;
  const recorded = await shop.payments.recordAttempt({ orderId: 'ours-1', attempt: 1, status });
  expect(recorded.facts).toEqual(placed);
  const outcome = { capturedAmount: 7_303, releasedAmount: 0, at: new Date().toISOString() };
  expect(await shop.payments.recordCapture(capture, outcome)).toMatchObject({
    state: 'shipped',
    paymentState: 'captured',
  });
});

test('money known to be captured by somebody else is booked although a capture of ours is under way', async () => {
  const placed = await shop.place('theirs-1');
  const lines = placed.lines.map(({ sku: item, quantity }) => ({ sku: item, quantity }));
  await shop.payments.beginCapture(captureOf(placed, lines, 'A', true));
  const status = { status: 'captured', paymentIntentId: intentOf('theirs-1', 1), capturedAmount: 7_303 } as const;
  const recorded = await shop.payments.recordAttempt({
    orderId: 'theirs-1',
    attempt: 1,
    status,
    capturedElsewhere: true,
  });
  await expectStored(recorded.facts);
  expect(recorded.facts).toMatchObject({ paymentState: 'captured', exception: { kind: 'external_capture' } });
});

test('a partly captured hold that ends by itself releases the rest and is reported as expired', async () => {
  const placed = await shop.place('ended-1');
  const capture = captureOf(placed, mugs(1), 'A', false);
  await shop.capture(capture);
  const status = {
    status: 'captured',
    paymentIntentId: intentOf('ended-1', 1),
    capturedAmount: capture.amount,
  } as const;
  const ended = await shop.payments.recordAttempt({ orderId: 'ended-1', attempt: 1, status });
  await expectStored(ended.facts);
  expect(ended.facts).toMatchObject({ paymentState: 'expired', amounts: { released: 7_303 - capture.amount } });
  expect(ended.facts?.hold).toBeUndefined();
  expect(await shop.payments.recordAttempt({ orderId: 'ended-1', attempt: 1, status })).toEqual(ended);
});
