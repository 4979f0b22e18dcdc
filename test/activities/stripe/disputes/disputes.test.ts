import { randomBytes } from 'node:crypto';
import Redis from 'ioredis';
import type { Pool } from 'pg';
import type Stripe from 'stripe';
import { createPaymentCache } from '../../../../activities/cache';
import { createKeyring } from '../../../../activities/crypto';
import {
  checkMoneyInvariants,
  createDisputeStore,
  createOrderStore,
  createPaymentStore,
  createPool,
  createSampleCatalogue,
  sampleSkus,
} from '../../../../activities/storage';
import {
  createDisputeActivities,
  createPaymentActivities,
  createStripeClient,
  paymentContext,
} from '../../../../activities/stripe';
import { shipmentId } from '../../../../workflows/domain/shared/operation-keys';
import { DEFAULT_POLICY } from '../../../../workflows/domain/shared/policy';
import type { DisputeActivities, DisputeProviderActivities } from '../../../../workflows/dispute/ports';
import type { OrderActivities } from '../../../../workflows/order/ports';
import type { PaymentActivities } from '../../../../workflows/payment/ports';
import { startStripeSimulator, type StripeSimulator } from '../../../../workers/embedded/stripe/server';
import { createDatabase, testEnvironment, uniqueName, type TestDatabase } from '../../../support/environment';
import { attempt as anyAttempt, authorized, retried } from '../harness';

const ANY = expect.any(String) as string;
const DAY_MS = 86_400_000;
const LINES = [{ sku: sampleSkus.giftCard, quantity: 3, unitAmount: 350 }];
const TOTAL = 3 * 350 + 490;

let database: TestDatabase;
let pool: Pool;
let redis: Redis;
let simulator: StripeSimulator;
let stripe: Stripe;
let payments: PaymentActivities;
let orders: OrderActivities;
let disputes: DisputeProviderActivities & DisputeActivities;

beforeEach(async () => {
  [database, simulator] = await Promise.all([createDatabase(), startStripeSimulator({ multicapture: true })]);
  pool = createPool(database.url);
  await createSampleCatalogue(pool);
  redis = new Redis(testEnvironment().redisUrl, { keyPrefix: `${uniqueName('disputes')}:` });
  const now = () => simulator.clock.now();
  const storage = { pool, keyring: createKeyring([{ id: 'test', key: randomBytes(32) }]), now: () => new Date(now()) };
  stripe = createStripeClient({ secretKey: simulator.secretKey, apiUrl: simulator.url });
  const store = createDisputeStore(storage);
  const provider = paymentContext({
    stripe,
    store: createPaymentStore(storage),
    cache: createPaymentCache(redis, { scope: 'test' }),
    now,
  });
  payments = createPaymentActivities(provider);
  orders = createOrderStore(storage);
  disputes = { ...store, ...createDisputeActivities(provider, store) };
});

afterEach(async () => {
  try {
    expect(await checkMoneyInvariants(pool, new Date(simulator.clock.now()))).toEqual([]);
    await expectLedgerAgrees();
  } finally {
    await pool.end();
    redis.disconnect();
    await simulator.stop();
    await database.drop();
  }
});

/** The ledger says of each dispute what the provider's balance says. */
async function expectLedgerAgrees(): Promise<void> {
  const { rows } = await pool.query<{ id: string; withdrawn: number }>(
    `SELECT split_part(operation_key, ':', 2) AS id,
       sum(CASE kind WHEN 'dispute_withdrawn' THEN amount ELSE -amount END)::int AS withdrawn
     FROM ledger_entries WHERE kind LIKE 'dispute%' GROUP BY 1`,
  );
  const atProvider = new Map<string, number>();
  const ours = await pool.query<{ id: string }>('SELECT dispute_id AS id FROM disputes');
  for (const { source, amount } of simulator.state.balanceTransactions()) {
    if (!ours.rows.some((row) => row.id === source)) continue;
    atProvider.set(String(source), (atProvider.get(String(source)) ?? 0) - amount);
  }
  expect(new Map(rows.map((row) => [row.id, row.withdrawn]))).toEqual(atProvider);
}

const now = (): string => new Date(simulator.clock.now()).toISOString();

/** An order with one parcel delivered, one on its way and one left to ship; its payment is captured in part. */
async function shipped(): Promise<{ orderId: string; paymentIntentId: string }> {
  const input = anyAttempt({ amount: { amount: TOTAL, currency: 'eur' }, lines: LINES });
  const { orderId, cartId, customer } = input;
  const { paymentIntentId } = authorized(await payments.authorizePayment(input));
  await orders.reserveStock({ orderId, lines: LINES });
  const cart = {
    ...{ cartId, currency: 'eur', lines: LINES, shippingAmount: 490, taxAmount: 0, channel: 'web' },
    customer: { id: customer.id, email: 'buyer@example.com', name: 'Sample Buyer' },
    shippingAddress: { line1: '1 Sample Street', city: 'Berlin', postalCode: '10827', country: 'DE' },
    captureOn: 'shipment' as const,
    policy: DEFAULT_POLICY,
  };
  await orders.placeOrder({ orderId, cart, paymentIntentId });
  await orders.allocateOrder({ orderId });
  for (const [number, amount] of [
    ['A1', 840],
    ['A2', 350],
  ] as const) {
    const shipment = {
      ...{ shipmentId: shipmentId('dhl', number), carrier: 'dhl', trackingNumber: number },
      lines: [{ sku: sampleSkus.giftCard, quantity: 1 }],
    };
    await payments.capturePayment({ orderId, paymentIntentId, amount, final: false, shipment });
  }
  await orders.recordDelivery({ orderId, shipmentId: shipmentId('dhl', 'A1'), deliveredAt: now() });
  return { orderId, paymentIntentId };
}

async function opened(kind: 'dispute' | 'inquiry' = 'dispute') {
  const order = await shipped();
  const { id: disputeId } = simulator.openDispute({ paymentIntent: order.paymentIntentId, kind });
  const record = await disputes.syncDispute({ disputeId, now: now() });
  return { ...order, disputeId, record };
}

const evidenceOf = (disputeId: string) =>
  simulator.state.disputes().find((one) => one.id === disputeId)?.evidence as Record<string, string | null>;
const decide = (disputeId: string, action: 'submit' | 'accept', texts: { uncategorizedText?: string } = {}) =>
  disputes.decideDispute({ disputeId, now: now(), round: 1, action, actor: 'op-1', ...texts });
const carryOut = (disputeId: string) => disputes.carryOutDispute({ disputeId, now: now() });

describe('looking at a dispute', () => {
  it('records it with its money and its fee', async () => {
    const { record } = await opened();
    expect(record).toMatchObject({
      stage: 'evidence_due',
      withdrawn: 1_190,
      feeAmount: 2_000,
      round: 1,
      amount: 1_190,
    });
    expect(record?.dueBy).toBe(new Date(Date.parse(record?.openedAt ?? '') + 7 * DAY_MS).toISOString());
  });

  it('says of one that is not known, or of a payment that is not ours, that it is none', async () => {
    expect(await disputes.syncDispute({ disputeId: 'du_nobody', now: now() })).toBeNull();
    const foreign = simulator.addDashboardPayment({ amount: 500, currency: 'eur' });
    const { id } = simulator.openDispute({ paymentIntent: foreign.id });
    expect(await disputes.syncDispute({ disputeId: id, now: now() })).toBeNull();
    expect((await pool.query('SELECT FROM disputes')).rows).toEqual([]);
  });

  it('follows it to its end: won with the money reinstated, or lost without', async () => {
    const won = await opened();
    simulator.decideDispute(won.disputeId, 'won');
    const end = { stage: 'won', withdrawn: 0, exceptions: [] };
    expect(await disputes.syncDispute({ disputeId: won.disputeId, now: now() })).toMatchObject(end);
    const lost = await opened();
    simulator.decideDispute(lost.disputeId, 'lost');
    const left = { stage: 'lost', withdrawn: 1_190, exceptions: [{ kind: 'dispute_lost' }] };
    expect(await disputes.syncDispute({ disputeId: lost.disputeId, now: now() })).toMatchObject(left);
  });

  it('treats an inquiry that became a dispute as the next round', async () => {
    const { disputeId, record } = await opened('inquiry');
    expect(record).toMatchObject({ isInquiry: true, withdrawn: 0, round: 1 });
    simulator.escalateInquiry(disputeId);
    expect(await disputes.syncDispute({ disputeId, now: now() })).toMatchObject({
      isInquiry: false,
      withdrawn: 1_190,
      round: 2,
    });
  });
});

describe('the evidence', () => {
  it('is staged with everything that is known, and not sent', async () => {
    const { disputeId, orderId } = await opened();
    const record = await disputes.collectEvidence({ disputeId, now: now() });
    expect(record).toMatchObject({ stage: 'evidence_due', evidenceCollectedAt: ANY });
    const evidence = evidenceOf(disputeId);
    expect(evidence).toMatchObject({
      customer_email_address: 'buyer@example.com',
      customer_name: 'Sample Buyer',
      shipping_address: 'Sample Buyer, 1 Sample Street, 10827 Berlin, DE',
      shipping_carrier: 'dhl',
      shipping_tracking_number: 'A1, A2',
      service_date: now().slice(0, 10),
    });
    expect(evidence['product_description']).toMatch(/^3 × .* at 3.50 EUR$/);
    for (const part of [orderId, 'AUTHORIZATION', 'CVC check: pass', 'tracking number A2', 'delivered on', 'visa']) {
      expect(evidence['uncategorized_text']).toContain(part);
    }
    const kept = await pool.query<{ evidence: Buffer }>('SELECT evidence FROM disputes');
    expect(kept.rows[0]?.evidence.toString('latin1')).not.toContain('Sample Buyer');
    expect(JSON.stringify((await pool.query('SELECT * FROM audit_log')).rows)).not.toContain('Sample Buyer');
  });

  it('of a dispute that was closed meanwhile is not collected, and one that cannot be staged is kept', async () => {
    const { disputeId } = await opened();
    await stripe.disputes.close(disputeId);
    expect(await disputes.collectEvidence({ disputeId, now: now() })).toMatchObject({
      evidenceCollectedAt: ANY,
    });
    await disputes.syncDispute({ disputeId, now: now() });
    const { evidenceCollectedAt } = (await disputes.loadDispute({ disputeId })) ?? {};
    expect((await disputes.collectEvidence({ disputeId, now: now() })).evidenceCollectedAt).toBe(evidenceCollectedAt);
  });
});

describe('a decision', () => {
  it('to submit sends the evidence as it is then, once, however often it is asked for', async () => {
    const { disputeId, orderId } = await opened();
    await disputes.collectEvidence({ disputeId, now: now() });
    await orders.recordDelivery({ orderId, deliveredAt: now() });
    await decide(disputeId, 'submit');
    const sent = await carryOut(disputeId);
    expect(sent).toMatchObject({ stage: 'under_review', submittedAt: ANY, decision: { doneAt: ANY } });
    expect(await carryOut(disputeId)).toEqual(sent);
    expect(evidenceOf(disputeId)['uncategorized_text']).not.toContain('no delivery recorded');
    const { rows } = await pool.query(`SELECT data FROM outbox WHERE type = 'DisputeEvidenceSubmitted'`);
    expect(rows).toMatchObject([{ data: { actor: 'op-1', disputeId } }]);
  });

  it('to submit with a text of a person’s own sends that text as it is', async () => {
    const { disputeId } = await opened();
    await decide(disputeId, 'submit', { uncategorizedText: 'winning_evidence' });
    await carryOut(disputeId);
    simulator.clock.advanceBy(5_000);
    expect(await disputes.syncDispute({ disputeId, now: now() })).toMatchObject({ stage: 'won', withdrawn: 0 });
  });

  it('to accept loses the dispute, and an inquiry is closed by it', async () => {
    const { disputeId } = await opened();
    await decide(disputeId, 'accept');
    expect(await carryOut(disputeId)).toMatchObject({ stage: 'lost', decision: { doneAt: ANY } });
    const inquiry = await opened('inquiry');
    await decide(inquiry.disputeId, 'accept');
    expect(await carryOut(inquiry.disputeId)).toMatchObject({ stage: 'warning_closed' });
  });

  it('that comes too late is refused by the provider, and an exception is opened', async () => {
    const { disputeId } = await opened('inquiry');
    simulator.clock.advanceBy(8 * DAY_MS);
    await decide(disputeId, 'submit');
    expect(await carryOut(disputeId)).toMatchObject({
      stage: 'evidence_due',
      decision: { refused: 'refused' },
      exceptions: [{ kind: 'dispute_unsettled', owner: 'payments' }],
    });
  });

  it.each(['submit', 'accept'] as const)(
    'to %s whose answer was lost is found out, and not sent twice',
    async (action) => {
      const faults = [
        { kind: 'reset', when: 'after' },
        { kind: 'server_error', when: 'after', shouldRetry: false },
        { kind: 'server_error', when: 'during', shouldRetry: false },
        { kind: 'reset', when: 'before' },
        { kind: 'refusal', code: 'lock_timeout' },
      ] as const;
      for (const fault of faults) {
        const { disputeId } = await opened();
        await decide(disputeId, action);
        simulator.faults.add({ match: { method: 'POST', pathPattern: `/v1/disputes/${disputeId}` }, action: fault });
        const done = await retried(() => carryOut(disputeId));
        expect(done.decision).toHaveProperty('doneAt');
        const dispute = await stripe.disputes.retrieve(disputeId);
        expect(dispute.evidence_details.submission_count).toBe(action === 'submit' ? 1 : 0);
      }
    },
  );
});
