import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type Stripe from 'stripe';
import { Redis } from 'ioredis';
import { createPaymentCache } from '../../../../activities/cache';
import { createPool, createSubscriptionStore, type SubscriptionStore } from '../../../../activities/storage';
import {
  createStripeClient,
  createSubscriptionActivities,
  paymentContext,
  type PaymentContext,
} from '../../../../activities/stripe';
import { failureTypes } from '../../../../workflows/domain/shared/errors';
import type { SubscriptionActivities } from '../../../../workflows/subscription/ports';
import { startStripeSimulator, type StripeSimulator } from '../../../../workers/embedded/stripe/server';
import { createDatabase, testEnvironment, uniqueName, type TestDatabase } from '../../../support/environment';
import { LOUD_POLICY } from '../../../support/facts/subscription-snapshots';
import { failureOf } from '../harness';
import { MemoryStore } from '../memory-store';

const DAY_MS = 86_400_000;

let database: TestDatabase;
let simulator: StripeSimulator;
let stripe: Stripe;
let redis: Redis;
let store: SubscriptionStore;
let subscriptions: SubscriptionActivities;

beforeEach(async () => {
  [database, simulator] = await Promise.all([createDatabase(), startStripeSimulator()]);
  stripe = createStripeClient({ secretKey: simulator.secretKey, apiUrl: simulator.url });
  redis = new Redis(testEnvironment().redisUrl, { keyPrefix: `${uniqueName('subscriptions')}:` });
  const pool = createPool(database.url);
  store = createSubscriptionStore({ pool });
  subscriptions = createSubscriptionActivities({ payments: contextOf(stripe), store });
  stops.push(() => pool.end());
});

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  redis.disconnect();
  await simulator.stop();
  await database.drop();
});

function contextOf(client: Stripe): PaymentContext {
  return paymentContext({
    stripe: client,
    store: new MemoryStore(Date.now),
    cache: createPaymentCache(redis, { scope: 'test' }),
  });
}

async function begin(
  params: Partial<Stripe.SubscriptionCreateParams> = {},
  customer: Stripe.CustomerCreateParams = {},
): Promise<Stripe.Subscription> {
  const { id } = await stripe.customers.create({ email: 'subscriber@example.com', name: 'A Subscriber', ...customer });
  const method = await stripe.paymentMethods.attach('pm_card_visa', { customer: id });
  await stripe.customers.update(id, { invoice_settings: { default_payment_method: method.id } });
  const product = await stripe.products.create({ name: 'Tea club' });
  const recurring = { interval: 'month' } as const;
  const price = await stripe.prices.create({ product: product.id, currency: 'eur', unit_amount: 1_900, recurring });
  return stripe.subscriptions.create({ customer: id, items: [{ price: price.id, quantity: 2 }], ...params });
}

const now = (): string => new Date(simulator.clock.now()).toISOString();
const look = (subscriptionId: string) =>
  subscriptions.followSubscription({ subscriptionId, now: now(), policy: LOUD_POLICY });

/** Lets the renewal fail as the bank says, and looks. */
async function fail(outcome: string) {
  const subscription = await begin();
  const customer = String(subscription.customer);
  simulator.issueDecision(customer, outcome as Parameters<StripeSimulator['issueDecision']>[1]);
  await look(subscription.id);
  simulator.clock.advanceTo((subscription.items.data[0]?.current_period_end ?? 0) * 1_000 + 7_200_000);
  return { subscription, ...(await look(subscription.id)) };
}

describe('a look at a subscription', () => {
  it('says what is true of it in our words, and nothing of whom it belongs to', async () => {
    const { id } = await begin({}, { metadata: { holdfast_time_zone: 'Europe/Berlin' } });
    const result = await look(id);
    expect(result.facts).toMatchObject({
      subscriptionId: id,
      stage: 'active',
      timeZone: 'Europe/Berlin',
      hasPaymentMethod: true,
      items: [{ productName: 'Tea club', unitAmount: 1_900, quantity: 2, interval: 'month', intervalCount: 1 }],
      invoice: { status: 'paid', amountDue: 3_800, amountPaid: 3_800, prorationAmount: 0 },
    });
    expect(JSON.stringify(result)).not.toMatch(/subscriber|A Subscriber/i);
  });

  it('of a trial asks what its end will cost; nothing where it ends with it', async () => {
    const { id } = await begin({ trial_period_days: 14 });
    expect((await look(id)).facts).toMatchObject({ stage: 'trialing', trial: 'running', upcomingAmount: 3_800 });
    await stripe.subscriptions.update(id, { cancel_at_period_end: true });
    expect((await look(id)).facts).not.toHaveProperty('upcomingAmount');
  });

  it.each([
    ['insufficient_funds', 'soft'],
    ['stolen_card', 'hard'],
    ['expired_card', 'hard'],
    ['authentication_required', 'authentication'],
  ])('knows why the bank refused: %s is %s', async (outcome, declineClass) => {
    const { facts } = await fail(outcome);
    expect(facts).toMatchObject({
      stage: 'past_due',
      invoice: { declineCode: outcome, declineClass, attemptCount: 1 },
    });
    const { createdAt = '', failedAt = '' } = facts.invoice ?? {};
    expect(Date.parse(failedAt)).toBeGreaterThan(Date.parse(createdAt));
  });

  it('knows a renewal without anything to charge from one that was refused', async () => {
    const subscription = await begin();
    const settings = { invoice_settings: { default_payment_method: '' } };
    await stripe.customers.update(String(subscription.customer), settings);
    simulator.clock.advanceTo((subscription.items.data[0]?.current_period_end ?? 0) * 1_000 + 7_200_000);
    const { facts } = await look(subscription.id);
    expect(facts).toMatchObject({ stage: 'past_due', hasPaymentMethod: false, invoice: { attemptCount: 1 } });
    expect(facts.invoice).toHaveProperty('failedAt');
  });

  it('remembers over more invoices than it lists that something was paid once', async () => {
    const { id } = await begin({ trial_period_days: 7 });
    for (let month = 0; month < 13; month += 1) simulator.clock.advanceBy(31 * DAY_MS);
    expect((await look(id)).facts).toMatchObject({ stage: 'active', trial: 'converted' });
  });

  it('of one that the provider does not know is reported as such and not tried again', async () => {
    expect(await failureOf(look('sub_nobody'))).toMatchObject({ type: failureTypes.notFound, nonRetryable: true });
  });

  it('is tried again where the provider fails or somebody else answers in its place', async () => {
    const { id } = await begin();
    simulator.faults.add({ action: { kind: 'server_error', when: 'before' }, match: { pathPattern: '/v1/invoices' } });
    expect(await failureOf(look(id))).toMatchObject({ type: failureTypes.providerUnavailable, nonRetryable: false });
    expect((await look(id)).facts.stage).toBe('active');
    const server = createServer((_request, response) => response.writeHead(404).end('{}')).listen(0, '127.0.0.1');
    stops.push(() => new Promise((resolve) => server.close(resolve)));
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const other = createStripeClient({ secretKey: 'sk_test_1', apiUrl: `http://127.0.0.1:${port}` });
    const elsewhere = createSubscriptionActivities({ payments: contextOf(other), store });
    const failure = await failureOf(
      elsewhere.followSubscription({ subscriptionId: id, now: now(), policy: LOUD_POLICY }),
    );
    expect(failure).toMatchObject({ type: failureTypes.providerUnavailable, nonRetryable: false });
    expect(failure.message).toContain(`of subscription ${id}`);
  });

  it('is fetched again where somebody recorded meanwhile, and given up for now in a quarrel', async () => {
    const { id } = await begin();
    let quarrels = 1;
    const quarrelsome: SubscriptionStore = {
      ...store,
      recordSubscription: (input) =>
        quarrels-- > 0 ? Promise.resolve({ kind: 'outdated' }) : store.recordSubscription(input),
    };
    const activities = createSubscriptionActivities({ payments: contextOf(stripe), store: quarrelsome });
    const input = { subscriptionId: id, now: now(), policy: LOUD_POLICY };
    expect((await activities.followSubscription(input)).facts.stage).toBe('active');
    quarrels = 3;
    expect(await failureOf(activities.followSubscription(input))).toMatchObject({ nonRetryable: false });
  });

  it('twenty times at once records what is true, once', async () => {
    const { id } = await begin();
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => look(id)));
    expect(results.some((one) => one.status === 'fulfilled')).toBe(true);
    for (const one of results) if (one.status === 'rejected') expect(one.reason).toMatchObject({ nonRetryable: false });
    expect((await look(id)).facts.stage).toBe('active');
    expect(await store.recordedVersion(id)).toBe(1);
  });
});

describe('the end of a subscription', () => {
  const end = (subscriptionId: string) =>
    subscriptions.endSubscription({ subscriptionId, now: now(), policy: LOUD_POLICY });

  it('comes once its tries are over, is recorded as the end of its dunning, and is safe to repeat', async () => {
    simulator.setBilling({ onExhausted: 'past_due', scheduleMs: [] });
    const { subscription } = await fail('insufficient_funds');
    simulator.clock.advanceBy(DAY_MS);
    expect((await end(subscription.id)).facts).toMatchObject({ stage: 'canceled', endReason: 'payment_failed' });
    expect((await end(subscription.id)).facts).toMatchObject({
      stage: 'canceled',
      told: [{ kind: 'subscription_ended' }],
    });
  });

  it('does not come where it was paid meanwhile, or is tried still', async () => {
    const { subscription, facts } = await fail('insufficient_funds');
    expect((await end(subscription.id)).facts.stage).toBe('past_due');
    const payment = { payment_method: await anotherCard(subscription), off_session: false };
    await stripe.invoices.pay(facts.invoice?.invoiceId ?? '', payment);
    expect((await end(subscription.id)).facts.stage).toBe('active');
  });

  async function anotherCard({ customer }: Stripe.Subscription): Promise<string> {
    return (await stripe.paymentMethods.attach('pm_card_mastercard', { customer: String(customer) })).id;
  }
});
