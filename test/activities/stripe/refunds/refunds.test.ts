import Redis from 'ioredis';
import type Stripe from 'stripe';
import { createPaymentCache } from '../../../../activities/cache';
import {
  createPaymentActivities,
  createRefundActivities,
  createStripeClient,
  paymentContext,
} from '../../../../activities/stripe';
import { createPaymentStore } from '../../../../activities/storage';
import { failureTypes } from '../../../../workflows/domain/shared/errors';
import { DEFAULT_REFUND_POLICY, type RefundFacts } from '../../../../workflows/domain/refund/refund';
import type { RefundProviderActivities } from '../../../../workflows/refund/ports';
import { startStripeSimulator, type StripeSimulator } from '../../../../workers/embedded/stripe/server';
import { testEnvironment, uniqueName } from '../../../support/environment';
import { openRefundShop, type RefundShop } from '../../storage/refunds/shop';
import { cartOf } from '../../storage/shop';
import { authorized, failureOf, retried } from '../harness';
import { refundDifferences } from './refund-books';

// The adapter on what it runs on: the real SDK over HTTP, the real Postgres with its constraints.
const CREATE = { method: 'POST', pathPattern: '^/v1/refunds$' };
const HOUR_MS = 3_600_000;

let shop: RefundShop;
let simulator: StripeSimulator;
let redis: Redis;
let stripe: Stripe;
let refunds: RefundProviderActivities;
let payments: ReturnType<typeof createPaymentActivities>;

beforeAll(async () => {
  [shop, simulator] = await Promise.all([openRefundShop(), startStripeSimulator()]);
  redis = new Redis(testEnvironment().redisUrl, { keyPrefix: `${uniqueName('refunds')}:` });
  stripe = createStripeClient({ secretKey: simulator.secretKey, apiUrl: simulator.url });
  const store = createPaymentStore({ pool: shop.pool, keyring: shop.keyring });
  const now = () => Date.now();
  const context = paymentContext({ stripe, store, cache: createPaymentCache(redis, { scope: 'test' }), now });
  refunds = createRefundActivities(context, shop.refunds);
  payments = createPaymentActivities(context);
});

beforeEach(() => {
  simulator.faults.clear();
});

afterEach(async () => {
  expect(await shop.violations()).toEqual([]);
  expect(await refundDifferences(shop, stripe)).toEqual([]);
});

afterAll(async () => {
  redis.disconnect();
  await simulator.stop();
  await shop.close();
});

let orders = 0;

/** An order whose money was captured at the simulator; 7303 of it. */
async function paid(): Promise<{ orderId: string; paymentIntentId: string }> {
  orders += 1;
  const orderId = `ord_${orders}`;
  const cart = cartOf(`cart-${orderId}`);
  const amount = { amount: 7_303, currency: 'eur' };
  const { paymentIntentId } = authorized(
    await payments.authorizePayment({
      ...{ orderId, cartId: cart.cartId, attempt: 1, purpose: 'checkout', amount, lines: cart.lines },
      ...{ customer: cart.customer, paymentMethod: 'pm_card_visa', offSession: false },
    }),
  );
  await shop.orders.reserveStock({ orderId, lines: cart.lines });
  await shop.orders.placeOrder({ orderId, cart, paymentIntentId });
  await payments.capturePayment({ orderId, paymentIntentId, amount: 7_303, final: true });
  return { orderId, paymentIntentId };
}

const step = (refund: RefundFacts) => ({ refundId: refund.refundId, now: new Date().toISOString(), watchMs: HOUR_MS });
const send = (refund: RefundFacts, part = 1) => refunds.sendRefund({ ...step(refund), part });
const made = (refund: RefundFacts) =>
  simulator.state.refunds().filter((one) => one.metadata?.['holdfast_refund_id'] === refund.refundId);

describe('sendRefund', () => {
  it('asks under its operation key, and is one refund however often it is run', async () => {
    const { orderId, paymentIntentId } = await paid();
    const refund = await shop.begin({ orderId, amount: 1_000, reason: 'duplicate' });
    const first = await send(refund);
    expect(first.refund).toMatchObject({ state: 'pending', parts: [{ status: 'pending' }] });
    expect(await send(refund)).toEqual({ refund: first.refund, tell: false });
    expect(made(refund)).toMatchObject([
      {
        payment_intent: paymentIntentId,
        amount: 1_000,
        reason: 'duplicate',
        metadata: { holdfast_order_id: orderId, holdfast_operation_key: `refund:${refund.refundId}:1` },
      },
    ]);
    expect((await refunds.syncRefund(step(refund))).refund.state).toBe('succeeded');
  });

  it.each([
    ['the connection breaks before it', { kind: 'reset', when: 'before' }],
    ['the connection breaks after it', { kind: 'reset', when: 'after' }],
    ['the provider fails before it', { kind: 'server_error', when: 'before' }],
    ['the provider fails after it', { kind: 'server_error', when: 'after' }],
    [
      'the provider fails in the middle, for good under this key',
      { kind: 'server_error', when: 'during', shouldRetry: false },
    ],
    [
      'the provider fails after it, for good under this key',
      { kind: 'server_error', when: 'after', shouldRetry: false },
    ],
    ['it is too busy', { kind: 'rate_limit' }],
    ['it holds a lock', { kind: 'lock_timeout' }],
    ['it holds a lock, and says so with a 400', { kind: 'refusal', code: 'lock_timeout' }],
  ] as const)('makes exactly one refund where %s', async (_name, action) => {
    const { orderId } = await paid();
    const refund = await shop.begin({ orderId, amount: 1_200 });
    // The SDK itself tries a broken connection once more.
    simulator.faults.add({ match: CREATE, action, times: action.kind === 'reset' ? 2 : 1 });
    const sent = await retried(() => send(refund));
    expect(sent.refund.parts).toMatchObject([{ status: expect.stringMatching(/pending|succeeded/) as string }]);
    expect(made(refund)).toHaveLength(1);
    expect((await refunds.syncRefund(step(refund))).refund.state).toBe('succeeded');
  });

  it('is looked for before each next key, and goes on under it later', async () => {
    const { orderId } = await paid();
    const refund = await shop.begin({ orderId, amount: 100 });
    simulator.faults.add({ match: CREATE, action: { kind: 'server_error', when: 'during' }, times: 2 });
    expect(await failureOf(send(refund))).toMatchObject({
      type: failureTypes.providerUnavailable,
      nonRetryable: false,
    });
    expect(made(refund)).toEqual([]);
    await send(refund);
    expect(made(refund)).toHaveLength(1);
    const keys = simulator.state.requests().flatMap((one) => one.idempotencyKey ?? []);
    const key = `refund:${refund.refundId}:1`;
    expect(keys.filter((one) => one.startsWith(key))).toEqual([key, `${key}#2`, `${key}#3`]);
    await refunds.syncRefund(step(refund));
  });

  it.each(['during', 'after'] as const)(
    'is made once where a failure %s it is kept and only replayed',
    async (when) => {
      const { orderId } = await paid();
      const refund = await shop.begin({ orderId, amount: 1_300 });
      simulator.faults.add({ match: CREATE, action: { kind: 'server_error', when, status: 500 } });
      await retried(() => send(refund));
      expect(made(refund)).toHaveLength(1);
      await refunds.syncRefund(step(refund));
    },
  );

  it('that the provider makes a second time, later, is booked as well', async () => {
    const { orderId, paymentIntentId } = await paid();
    const refund = await shop.begin({ orderId, amount: 500 });
    await send(refund);
    await refunds.syncRefund(step(refund));
    const metadata = { holdfast_operation_key: `refund:${refund.refundId}:1`, holdfast_refund_id: refund.refundId };
    const twin = await stripe.refunds.create({ payment_intent: paymentIntentId, amount: 500, metadata });
    const adopt = (providerRefundId: string) =>
      refunds.adoptRefund({ providerRefundId, now: new Date().toISOString(), policy: DEFAULT_REFUND_POLICY });
    const [first] = made(refund).filter((one) => one.id !== twin.id);
    expect(await adopt(first?.id ?? '')).toEqual({ outcome: 'not_ours' });
    expect(await adopt(twin.id)).toMatchObject({ outcome: 'adopted', refund: { amount: 500 } });
  });

  it('that worked and was not recorded is found by its key, whatever the provider has forgotten since', async () => {
    const { orderId } = await paid();
    const refund = await shop.begin({ orderId, amount: 900 });
    await shop.refunds.beginSend({ ...step(refund), part: 1 });
    const [part] = refund.parts;
    const metadata = { holdfast_operation_key: `refund:${refund.refundId}:1`, holdfast_refund_id: refund.refundId };
    await stripe.refunds.create({ payment_intent: part?.paymentIntentId ?? '', amount: 900, metadata });
    simulator.clock.advanceBy(25 * HOUR_MS);
    expect((await send(refund)).refund).toMatchObject({ state: 'succeeded' });
    expect(made(refund)).toHaveLength(1);
  });

  it.each([
    ['charge_already_refunded', (id: string) => stripe.refunds.create({ payment_intent: id })],
    ['charge_disputed', (id: string) => Promise.resolve(simulator.openDispute({ paymentIntent: id }))],
  ])('records %s as the reason, gives the money free and tells a person', async (reason, before) => {
    const { orderId, paymentIntentId } = await paid();
    const refund = await shop.begin({ orderId, amount: 7_303 });
    await before(paymentIntentId);
    const { refund: failed, tell } = await send(refund);
    expect(failed).toMatchObject({ state: 'failed', parts: [{ status: 'failed', failureReason: reason }] });
    expect(tell).toBe(true);
    expect(await shop.view(orderId)).toMatchObject({
      amounts: { refundPending: 0, refunded: 0 },
      exception: { kind: 'refund_failed', owner: 'payments' },
    });
    expect((await shop.notices(refund.refundId)).map((one) => one.kind)).toEqual(['refund_needs_a_person']);
    if (reason === 'charge_already_refunded') await adoptAll(paymentIntentId);
  });

  it('is not sent after it was given up', async () => {
    const { orderId } = await paid();
    const refund = await shop.begin({ orderId, amount: 300 });
    const { now } = step(refund);
    const given = await shop.refunds.withdrawRefund({
      refundId: refund.refundId,
      now,
      reason: 'disputed',
      actor: 'holdfast',
    });
    expect(given.refund.state).toBe('canceled');
    expect(await send(refund)).toEqual({ refund: given.refund, tell: false });
    expect(made(refund)).toEqual([]);
    // The other way round: what was sent is not given up here.
    const other = await shop.begin({ orderId, amount: 300 });
    await shop.refunds.beginSend({ ...step(other), part: 1 });
    const kept = await shop.refunds.withdrawRefund({
      refundId: other.refundId,
      now,
      reason: 'disputed',
      actor: 'holdfast',
    });
    expect(kept.refund.state).toBe('pending');
    await send(other);
  });
});

describe('syncRefund', () => {
  it('records a failure with the provider’s record of the money’s return', async () => {
    const { orderId } = await paid();
    simulator.setNextRefund({ kind: 'fail_after', afterMs: 1_000, failureReason: 'lost_or_stolen_card' });
    const refund = await shop.begin({ orderId, amount: 700 });
    await send(refund);
    expect((await refunds.syncRefund(step(refund))).refund.state).toBe('succeeded');
    simulator.clock.advanceBy(2_000);
    const failed = await refunds.syncRefund(step(refund));
    const part = { status: 'failed', failureReason: 'lost_or_stolen_card', failureBalanceTransaction: /^txn_/ };
    expect(failed.refund.parts).toMatchObject([
      { ...part, failureBalanceTransaction: expect.stringMatching(part.failureBalanceTransaction) as string },
    ]);
    expect(await refunds.syncRefund(step(refund))).toEqual({ refund: failed.refund, tell: false });
    expect((await shop.view(orderId)).amounts).toMatchObject({ refunded: 0, refundPending: 0 });
  });

  it('knows no refund that is not recorded', async () => {
    const input = { refundId: 'rf_nowhere', now: new Date().toISOString(), watchMs: 1 };
    expect(await failureOf(refunds.syncRefund(input))).toMatchObject({ type: failureTypes.notFound });
  });
});

it('cancelRefund cancels what waits for the customer, and leaves what does not as it is', async () => {
  const { orderId } = await paid();
  simulator.setNextRefund({ kind: 'requires_action', then: 'stay' });
  const asked = await shop.begin({ orderId, amount: 200 });
  expect((await send(asked)).refund.state).toBe('requires_action');
  simulator.faults.add({ match: { pathPattern: '/cancel$' }, action: { kind: 'refusal', code: 'lock_timeout' } });
  expect((await retried(() => refunds.cancelRefund(step(asked)))).refund).toMatchObject({ state: 'canceled' });
  const done = await shop.begin({ orderId, amount: 200 });
  await send(done);
  expect((await refunds.cancelRefund(step(done))).refund).toMatchObject({ state: 'succeeded' });
});

const adopt = (providerRefundId: string) =>
  refunds.adoptRefund({ providerRefundId, now: new Date().toISOString(), policy: DEFAULT_REFUND_POLICY });

async function adoptAll(paymentIntentId: string): Promise<void> {
  for (const one of simulator.state.refunds().filter((refund) => refund.payment_intent === paymentIntentId)) {
    const adopted = await adopt(one.id);
    if (adopted.outcome === 'adopted') await refunds.syncRefund(step(adopted.refund));
  }
}

describe('adoptRefund', () => {
  it('records a refund that was made at the provider, once, and follows it like any other', async () => {
    const { orderId, paymentIntentId } = await paid();
    const { id } = await stripe.refunds.create({ payment_intent: paymentIntentId, amount: 500 });
    const adopted = await adopt(id);
    expect(adopted).toMatchObject({
      outcome: 'adopted',
      refund: { refundId: id, orderId, actor: 'elsewhere', amount: 500 },
    });
    expect(await adopt(id)).toMatchObject({ outcome: 'adopted' });
    expect(await shop.refunds.findByProviderId(id)).toBe(id);
    if (adopted.outcome !== 'adopted') return;
    expect((await refunds.syncRefund(step(adopted.refund))).refund.state).toBe('succeeded');
    expect((await shop.view(orderId)).amounts).toMatchObject({ refunded: 500, refundPending: 0 });
  });

  it('waits if our own refund reserves the money, and opens an exception; it is recorded once ours was refused', async () => {
    const { orderId, paymentIntentId } = await paid();
    const ours = await shop.begin({ orderId, amount: 7_000 });
    const { id } = await stripe.refunds.create({ payment_intent: paymentIntentId, amount: 5_000 });
    expect(await adopt(id)).toEqual({ outcome: 'mismatch', orderId, tell: true });
    expect(await adopt(id)).toEqual({ outcome: 'mismatch', orderId, tell: false });
    expect(await shop.view(orderId)).toMatchObject({ exception: { kind: 'refund_mismatch', owner: 'payments' } });
    const { refund } = await send(ours);
    expect(refund).toMatchObject({ state: 'failed', parts: [{ failureReason: 'amount_too_large' }] });
    expect(await adopt(id)).toMatchObject({ outcome: 'adopted' });
    await adoptAll(paymentIntentId);
    expect(await shop.view(orderId)).toMatchObject({
      amounts: { refunded: 5_000 },
      exception: { kind: 'refund_failed' },
    });
  });

  it('leaves our own refunds and other people’s payments alone', async () => {
    const { orderId } = await paid();
    const refund = await shop.begin({ orderId, amount: 100 });
    const sent = await send(refund);
    expect(await adopt(sent.refund.parts[0]?.providerRefundId ?? '')).toEqual({ outcome: 'not_ours' });
    const stranger = simulator.addDashboardPayment({ amount: 900, currency: 'eur' });
    const { id } = await stripe.refunds.create({ payment_intent: stranger.id });
    expect(await adopt(id)).toEqual({ outcome: 'not_ours' });
  });

  it('moves no money for one that had already failed when it was first seen', async () => {
    const { orderId, paymentIntentId } = await paid();
    const refund = await stripe.refunds.create({ payment_intent: paymentIntentId, amount: 7_303 });
    simulator.settleRefund(refund.id, 'failed', 'declined');
    await shop
      .begin({ orderId, amount: 7_303 })
      .then((ours) => send(ours))
      .then(({ refund: ours }) => refunds.syncRefund(step(ours)));
    expect(await adopt(refund.id)).toMatchObject({ outcome: 'adopted', refund: { state: 'failed' } });
    expect((await shop.view(orderId)).amounts).toMatchObject({ refunded: 7_303, refundPending: 0 });
  });
});
