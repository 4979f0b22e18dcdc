import { randomBytes } from 'node:crypto';
import Redis from 'ioredis';
import type { Pool } from 'pg';
import { createPaymentCache } from '../../../../activities/cache';
import { createKeyring } from '../../../../activities/crypto';
import {
  checkMoneyInvariants,
  createOrderStore,
  createPaymentStore,
  createPool,
  createSampleCatalogue,
  sampleSkus,
} from '../../../../activities/storage';
import {
  createPaymentActivities,
  createStripeClient,
  paymentContext,
  readProviderTruth,
} from '../../../../activities/stripe';
import { failureTypes } from '../../../../workflows/domain/shared/errors';
import { DEFAULT_POLICY } from '../../../../workflows/domain/shared/policy';
import { shipmentId } from '../../../../workflows/domain/shared/operation-keys';
import type { AuthorizePaymentInput, PaymentActivities } from '../../../../workflows/payment/ports';
import type { OrderActivities } from '../../../../workflows/order/ports';
import { startStripeSimulator, type StripeSimulator } from '../../../../workers/embedded/stripe/server';
import { createDatabase, testEnvironment, uniqueName, type TestDatabase } from '../../../support/environment';
import { attempt as anyAttempt, authorized, failureOf, heldFor, retried } from '../harness';

// The adapter on what it runs on: the real SDK over HTTP, the real Postgres with its constraints, the real Redis.
let database: TestDatabase;
let pool: Pool;
let redis: Redis;
let simulator: StripeSimulator;
let payments: PaymentActivities;
let orders: OrderActivities;

beforeEach(async () => {
  [database, simulator] = await Promise.all([createDatabase(), startStripeSimulator({ multicapture: true })]);
  pool = createPool(database.url);
  await createSampleCatalogue(pool);
  redis = new Redis(testEnvironment().redisUrl, { keyPrefix: `${uniqueName('postgres')}:` });
  const now = () => simulator.clock.now();
  const keyring = createKeyring([{ id: 'test', key: randomBytes(32) }]);
  const stripe = createStripeClient({ secretKey: simulator.secretKey, apiUrl: simulator.url });
  const storage = { pool, keyring, now: () => new Date(now()) };
  const provider = {
    stripe,
    store: createPaymentStore(storage),
    cache: createPaymentCache(redis, { scope: 'test' }),
    now,
  };
  payments = createPaymentActivities(paymentContext(provider));
  orders = createOrderStore({ ...storage, paymentLink: (orderId) => `https://shop.test/${orderId}` });
});

afterEach(async () => {
  try {
    // Whatever a test did: the ledger keeps its rules, and says of each payment what the provider says.
    expect(await checkMoneyInvariants(pool, new Date(simulator.clock.now()))).toEqual([]);
    await expectLedgerAgrees();
  } finally {
    await pool.end();
    redis.disconnect();
    await simulator.stop();
    await database.drop();
  }
});

async function expectLedgerAgrees(): Promise<void> {
  const { rows } = await pool.query<{ id: string; open: number; captured: number }>(
    `SELECT payment_intent_id AS id, sum(CASE kind WHEN 'authorized' THEN amount ELSE -amount END)::int AS open,
       coalesce(sum(amount) FILTER (WHERE kind = 'captured'), 0)::int AS captured FROM ledger_entries GROUP BY 1`,
  );
  const stripe = createStripeClient({ secretKey: simulator.secretKey, apiUrl: simulator.url });
  for (const payment of await readProviderTruth(stripe)) {
    const { paymentIntentId: id, amountCapturable: open, amountReceived: captured } = payment;
    const row = rows.find((one) => one.id === id) ?? { id, open: 0, captured: 0 };
    expect(row).toEqual({ id, open, captured });
  }
}

/** Three cards at 3.50 each and 4.90 of shipping. */
const LINES = [{ sku: sampleSkus.giftCard, quantity: 3, unitAmount: 350 }];
const TOTAL = 3 * 350 + 490;

function checkout(changes: Partial<AuthorizePaymentInput> = {}): AuthorizePaymentInput {
  return anyAttempt({ amount: { amount: TOTAL, currency: 'eur' }, lines: LINES, ...changes });
}

async function placed(
  input = checkout(),
): Promise<{ orderId: string; paymentIntentId: string; paymentMethod: string }> {
  const { orderId, cartId, customer } = input;
  const held = authorized(await payments.authorizePayment(input));
  await orders.reserveStock({ orderId, lines: LINES });
  const cart = {
    ...{ cartId, currency: 'eur', lines: LINES, shippingAmount: 490, taxAmount: 0, channel: 'web' },
    customer: { id: customer.id, email: 'buyer@example.com' },
    captureOn: 'shipment' as const,
    policy: DEFAULT_POLICY,
  };
  const { paymentIntentId, paymentMethodId: paymentMethod } = held;
  expect(await orders.placeOrder({ orderId, cart, paymentIntentId })).toMatchObject({ outcome: 'placed' });
  await orders.allocateOrder({ orderId });
  return { orderId, paymentIntentId, paymentMethod };
}

const parcel = (trackingNumber: string, quantity: number) => ({
  ...{ shipmentId: shipmentId('dhl', trackingNumber), carrier: 'dhl', trackingNumber },
  lines: [{ sku: sampleSkus.giftCard, quantity }],
});
const voided = (orderId: string, attempts = 1) => ({ orderId, attempts, reason: 'test' });

it('holds, ships in two parcels from one hold, each captured once', async () => {
  const { orderId, paymentIntentId } = await placed();
  const first = { orderId, paymentIntentId, amount: 840, final: false, shipment: parcel('1', 1) };
  const one = await payments.capturePayment(first);
  expect(one.facts).toMatchObject({
    paymentState: 'partially_captured',
    amounts: { authorized: TOTAL, captured: 840 },
  });
  await payments.capturePayment(first);
  const last = await payments.capturePayment({
    orderId,
    paymentIntentId,
    amount: 700,
    final: true,
    shipment: parcel('2', 2),
  });
  expect(last.facts).toMatchObject({
    state: 'shipped',
    paymentState: 'captured',
    amounts: { captured: TOTAL, released: 0 },
  });
});

it('makes one hold of one attempt that runs three times at once', async () => {
  const input = checkout();
  const runs = [1, 2, 3].map(() => retried(() => payments.authorizePayment(input), 20));
  const ids = (await Promise.all(runs)).map((one) => authorized(one).paymentIntentId);
  expect(new Set(ids).size).toBe(1);
  expect(heldFor(simulator, input.orderId)).toBe(TOTAL);
  await placed(input);
});

it('checks goods and prices before any money moves', async () => {
  const lines = [{ sku: 'NO-SUCH-THING', quantity: 1, unitAmount: 1 }];
  expect(await payments.authorizePayment(checkout({ lines }))).toMatchObject({ status: 'invalid' });
  expect(simulator.state.requests()).toHaveLength(0);
});

it('answers a cart that is an order already with the order', async () => {
  const input = checkout();
  const { orderId } = await placed(input);
  const again = await payments.authorizePayment({ ...input, orderId: uniqueName('ord') });
  expect(again).toMatchObject({ status: 'existing_order', facts: { orderId } });
});

it('accepts another card after a decline, and voids it once', async () => {
  const first = checkout({ paymentMethod: 'pm_card_chargeDeclined' });
  const declined = await payments.authorizePayment(first);
  const paymentIntentId = declined.status === 'declined' ? (declined.paymentIntentId ?? '') : '';
  authorized(await payments.authorizePayment({ ...first, attempt: 2, paymentMethod: 'pm_card_visa', paymentIntentId }));
  const expected = { outcome: 'voided', releasedAmount: TOTAL };
  expect(await payments.voidPayments(voided(first.orderId, 2))).toMatchObject(expected);
  expect(await payments.voidPayments(voided(first.orderId, 2))).toMatchObject(expected);
});

it('leaves no hold of a late attempt: by our tombstone, and by the sealed key', async () => {
  const early = checkout();
  await payments.voidPayments(voided(early.orderId));
  expect(await failureOf(payments.authorizePayment(early))).toMatchObject({ type: failureTypes.undone });

  const late = checkout();
  const match = { method: 'POST', pathPattern: '^/v1/customers$' };
  const fault = simulator.faults.add({ match, action: { kind: 'hold', when: 'after' } });
  const running = failureOf(payments.authorizePayment(late));
  await simulator.faults.untilHeld(fault);
  expect(await payments.voidPayments(voided(late.orderId))).toMatchObject({ outcome: 'voided', releasedAmount: 0 });
  simulator.faults.release(fault);
  expect(await running).toMatchObject({ type: failureTypes.undone });
  expect(heldFor(simulator, late.orderId)).toBe(0);
  expect(simulator.state.charges()).toHaveLength(0);
});

it('notices an expired hold at the capture, ships nothing, and goes on with a new one', async () => {
  const { orderId, paymentIntentId, paymentMethod } = await placed();
  simulator.clock.advanceBy(8 * 24 * 3_600_000);
  const shipment = parcel('1', 3);
  const capture = { orderId, paymentIntentId, amount: TOTAL, final: true, shipment };
  const gone = await payments.capturePayment(capture);
  expect(gone).toMatchObject({ outcome: 'hold_expired', facts: { paymentState: 'expired', shipments: [] } });
  const input = checkout({ orderId, attempt: 2, purpose: 'reauthorization', paymentMethod, offSession: true });
  const renewed = authorized(await payments.authorizePayment(input));
  const taken = await payments.capturePayment({ ...capture, paymentIntentId: renewed.paymentIntentId });
  expect(taken).toMatchObject({ outcome: 'captured', facts: { state: 'shipped' } });
});

it('lets only the replaced hold go', async () => {
  const { orderId, paymentIntentId, paymentMethod } = await placed();
  const input = checkout({ orderId, attempt: 2, purpose: 'reauthorization', paymentMethod, offSession: true });
  const renewed = authorized(await payments.authorizePayment(input));
  const only = { ...voided(orderId, 2), onlyPaymentIntentId: paymentIntentId };
  const result = await payments.voidPayments(only);
  expect(result).toMatchObject({ outcome: 'voided', releasedAmount: TOTAL, facts: { paymentState: 'authorized' } });
  const { facts } = await payments.syncPayment({ orderId, paymentIntentId: renewed.paymentIntentId });
  expect(facts?.hold?.paymentIntentId).toBe(renewed.paymentIntentId);
});

it('settles money that somebody else took', async () => {
  const { orderId, paymentIntentId } = await placed();
  const stripe = createStripeClient({ secretKey: simulator.secretKey, apiUrl: simulator.url });
  await stripe.paymentIntents.capture(paymentIntentId);
  const { payment, facts } = await payments.syncPayment({ orderId, paymentIntentId });
  expect(payment).toEqual({ status: 'captured', paymentIntentId, capturedAmount: TOTAL });
  expect(facts).toMatchObject({ paymentState: 'captured', exception: { kind: 'external_capture' } });
});

it('books money that somebody else took, also where it is exactly what a capture of ours would take', async () => {
  const { orderId, paymentIntentId } = await placed();
  const stripe = createStripeClient({ secretKey: simulator.secretKey, apiUrl: simulator.url });
  await stripe.paymentIntents.capture(paymentIntentId);
  const capture = { orderId, paymentIntentId, amount: TOTAL, final: true, shipment: parcel('1', 3) };
  expect(await payments.capturePayment(capture)).toMatchObject({ outcome: 'changed' });
  const { rows } = await pool.query(
    `SELECT kind, amount, operation_key FROM ledger_entries WHERE order_id = $1 AND kind = 'captured'`,
    [orderId],
  );
  expect(rows).toEqual([{ kind: 'captured', amount: TOTAL, operation_key: `external:${paymentIntentId}:${TOTAL}` }]);
  const raised = await pool.query('SELECT kind, owner, amount_at_risk FROM exceptions WHERE order_id = $1', [orderId]);
  expect(raised.rows).toEqual([{ kind: 'external_capture', owner: 'payments', amount_at_risk: TOTAL }]);
});

it.each([
  ['captures', '/capture$'],
  ['cancels', '/cancel$'],
])('%s once where the answer is lost and every try is repeated', async (what, pathPattern) => {
  const { orderId, paymentIntentId } = await placed();
  const action = { kind: 'server_error', when: 'after', shouldRetry: false } as const;
  simulator.faults.add({ match: { pathPattern }, action });
  const capture = { orderId, paymentIntentId, amount: TOTAL, final: true, shipment: parcel('1', 3) };
  const run = (): Promise<unknown> =>
    what === 'captures' ? payments.capturePayment(capture) : payments.voidPayments(voided(orderId));
  await run();
  await run();
  expect(heldFor(simulator, orderId)).toBe(0);
  if (what === 'cancels') await orders.cancelOrder({ orderId, reason: 'test', actor: 'test' });
});

it('records no bank’s answer where 3-D Secure was not passed, although an earlier card had one', async () => {
  const input = checkout({ paymentMethod: 'pm_card_chargeDeclinedInsufficientFunds' });
  const declined = await payments.authorizePayment(input);
  if (declined.status !== 'declined' || declined.paymentIntentId === undefined) throw new Error(declined.status);
  const { paymentIntentId } = declined;
  const again = { ...input, attempt: 2, paymentMethod: 'pm_card_authenticationRequired', paymentIntentId };
  expect((await payments.authorizePayment(again)).status).toBe('requires_action');
  simulator.completeAuthentication(paymentIntentId, 'fail');
  await payments.syncPayment({ orderId: input.orderId, attempt: 2 });
  const { rows } = await pool.query(
    'SELECT attempt, charge_id IS NULL AS "noCharge", network_status FROM authorization_results ORDER BY attempt',
  );
  expect(rows).toEqual([
    { attempt: 1, noCharge: false, network_status: 'declined_by_network' },
    { attempt: 2, noCharge: true, network_status: null },
  ]);
});

it('records rates by brand, funding and country, and nothing that names a person', async () => {
  await placed(checkout({ paymentMethod: 'pm_card_mastercard_debit' }));
  await payments.authorizePayment(checkout({ paymentMethod: 'pm_card_chargeDeclinedInsufficientFunds' }));
  const { rows } = await pool.query(
    'SELECT brand, funding, country, network_status, outcome, decline_code FROM authorization_results ORDER BY result_id',
  );
  expect(rows).toEqual([
    {
      brand: 'mastercard',
      funding: 'debit',
      country: 'US',
      network_status: 'approved_by_network',
      outcome: 'authorized',
      decline_code: null,
    },
    {
      brand: 'visa',
      funding: 'credit',
      country: 'US',
      network_status: 'declined_by_network',
      outcome: 'declined',
      decline_code: 'insufficient_funds',
    },
  ]);
  const written = await pool.query<{ row: string }>('SELECT row_to_json(a)::text AS row FROM payment_attempts a');
  expect(written.rows.map((one) => one.row).join()).not.toMatch(/example\.com|_secret_|A Buyer/);
});
