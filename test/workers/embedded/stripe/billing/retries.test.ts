import type Stripe from 'stripe';
import type { EventView } from '../../../../../workers/embedded/stripe/server';
import { stopAll, stripeError } from '../support';
import {
  addMethod,
  DAY_MS,
  eventsDuring,
  HOUR_MS,
  latestInvoice,
  openShop,
  subscribe,
  toPeriodEnd,
  type Shop,
} from './support';

afterEach(stopAll);

const statusOf = async ({ stripe }: Shop, { id }: Stripe.Subscription): Promise<string> =>
  (await stripe.subscriptions.retrieve(id)).status;

/** A shop whose subscriber's renewals end as `outcomes` say; without them, the issuer always refuses. */
async function failing(
  outcomes: string | string[] = 'insufficient_funds',
  billing: Parameters<Shop['simulator']['setBilling']>[0] = {},
): Promise<Shop & { subscription: Stripe.Subscription }> {
  const shop = await openShop({ billing: { finalizationDelayMs: 0, ...billing } });
  const subscription = await subscribe(shop);
  shop.simulator.issueDecision(shop.customer, outcomes);
  return { ...shop, subscription };
}

/** The events of one type while `act` runs, with their objects. */
async function objectsDuring({ simulator }: Shop, type: string, act: () => void): Promise<EventView[]> {
  const found: EventView[] = [];
  const stop = simulator.onEvent((event) => void (event.type === type && found.push(event)));
  act();
  stop();
  return Promise.resolve(found);
}

describe('a renewal that is refused', () => {
  it('has no next retry at first, which the update that follows sets', async () => {
    const shop = await failing();
    const seen: [string, unknown][] = [];
    shop.simulator.onEvent(({ type, object }) => seen.push([type, object['next_payment_attempt']]));
    const types = await eventsDuring(shop, () => toPeriodEnd(shop, shop.subscription));
    expect(types).toEqual([
      'invoice.created',
      'customer.subscription.updated',
      'payment_intent.created',
      'invoice.finalized',
      'charge.failed',
      'payment_intent.payment_failed',
      'invoice.payment_failed',
      'customer.subscription.updated',
      'invoice.updated',
    ]);
    const invoice = await latestInvoice(shop, shop.subscription);
    expect(invoice.next_payment_attempt).toBeGreaterThan(invoice.created);
    expect(seen.filter(([type]) => type === 'invoice.payment_failed')).toEqual([['invoice.payment_failed', null]]);
    expect(seen.at(-1)).toEqual(['invoice.updated', invoice.next_payment_attempt]);
    expect(await statusOf(shop, shop.subscription)).toBe('past_due');
  });

  it('announces the next retry at once, or later, as set', async () => {
    const at = await failing('insufficient_funds', { nullNextAttemptFirst: false });
    const [told] = await objectsDuring(at, 'invoice.payment_failed', () => toPeriodEnd(at, at.subscription));
    expect(told?.object['next_payment_attempt']).toBe((await latestInvoice(at, at.subscription)).next_payment_attempt);
    const later = await failing('insufficient_funds', { planningDelayMs: 60_000 });
    toPeriodEnd(later, later.subscription);
    expect((await latestInvoice(later, later.subscription)).next_payment_attempt).toBeNull();
    expect(await eventsDuring(later, () => later.simulator.clock.advanceBy(60_000))).toEqual(['invoice.updated']);
    expect((await latestInvoice(later, later.subscription)).next_payment_attempt).not.toBeNull();
  });

  it('is tried eight times in two weeks, and then the subscription is canceled', async () => {
    const shop = await failing();
    toPeriodEnd(shop, shop.subscription);
    const { created } = await latestInvoice(shop, shop.subscription);
    const failures = await objectsDuring(shop, 'charge.failed', () => shop.simulator.clock.advanceBy(20 * DAY_MS));
    const days = failures.map((event) => (event.created - created) / 86_400);
    expect(days).toHaveLength(7);
    expect(days.every((day, index) => day > (days[index - 1] ?? 0) + 0.5)).toBe(true);
    expect(days.at(-1)).toBeGreaterThan(11);
    expect(days.at(-1)).toBeLessThanOrEqual(14);
    expect(await latestInvoice(shop, shop.subscription)).toMatchObject({
      status: 'open',
      attempt_count: 8,
      next_payment_attempt: null,
      auto_advance: false,
    });
    expect(await shop.stripe.subscriptions.retrieve(shop.subscription.id)).toMatchObject({
      status: 'canceled',
      cancellation_details: { reason: 'payment_failed' },
    });
  });

  it.each([
    ['unpaid', 'unpaid', 'customer.subscription.updated'],
    ['past_due', 'past_due', 'invoice.updated'],
    ['cancel', 'canceled', 'customer.subscription.deleted'],
  ] as const)('ends as set: %s', async (onExhausted, status, lastEvent) => {
    const shop = await failing('insufficient_funds', { scheduleMs: [DAY_MS], onExhausted });
    toPeriodEnd(shop, shop.subscription);
    const types = await eventsDuring(shop, () => shop.simulator.clock.advanceBy(DAY_MS));
    expect(types.at(-1)).toBe(lastEvent);
    expect(await statusOf(shop, shop.subscription)).toBe(status);
  });

  it('is written off at the end when that is set', async () => {
    const shop = await failing('insufficient_funds', { retries: 0, invoiceOnExhausted: 'uncollectible' });
    const types = await eventsDuring(shop, () => toPeriodEnd(shop, shop.subscription));
    expect(types.slice(-3)).toEqual([
      'invoice.updated',
      'invoice.marked_uncollectible',
      'customer.subscription.deleted',
    ]);
    const invoice = await latestInvoice(shop, shop.subscription);
    expect(invoice.status).toBe('uncollectible');
    expect(invoice.status_transitions.marked_uncollectible_at).not.toBeNull();
  });
});

describe('recovery', () => {
  it('comes with the retry that the bank approves, exactly when it was announced', async () => {
    const shop = await failing(['insufficient_funds', 'insufficient_funds'], { scheduleMs: [DAY_MS, 3 * DAY_MS] });
    toPeriodEnd(shop, shop.subscription);
    shop.simulator.clock.advanceBy(DAY_MS);
    const { attempt_count: count, next_payment_attempt: next } = await latestInvoice(shop, shop.subscription);
    expect(count).toBe(2);
    const [paid] = await objectsDuring(shop, 'invoice.paid', () => shop.simulator.clock.advanceBy(3 * DAY_MS));
    expect(paid?.created).toBe(next);
    expect(await statusOf(shop, shop.subscription)).toBe('active');
    expect(await latestInvoice(shop, shop.subscription)).toMatchObject({
      status: 'paid',
      attempt_count: 3,
      next_payment_attempt: null,
    });
  });

  it('needs more than a new default payment method: a retry, or a request to pay', async () => {
    const shop = await failing();
    toPeriodEnd(shop, shop.subscription);
    shop.simulator.issueDecision(shop.customer, undefined);
    shop.simulator.issueDecision(shop.method, 'insufficient_funds', { scope: 'all' });
    await addMethod(shop.stripe, shop.customer, 'pm_card_mastercard');
    shop.simulator.clock.advanceBy(HOUR_MS);
    expect((await latestInvoice(shop, shop.subscription)).status).toBe('open');
    const { id } = await latestInvoice(shop, shop.subscription);
    const types = await eventsDuring(shop, () => shop.stripe.invoices.pay(id));
    expect(types.at(-1)).toBe('customer.subscription.updated');
    expect(await statusOf(shop, shop.subscription)).toBe('active');
    shop.simulator.clock.advanceBy(20 * DAY_MS);
    expect((await latestInvoice(shop, shop.subscription)).attempt_count).toBe(1);
  });

  it('brings an unpaid subscription back, and leaves the drafts of the time between alone', async () => {
    const shop = await failing('insufficient_funds', { retries: 1, retryWindowMs: DAY_MS, onExhausted: 'unpaid' });
    toPeriodEnd(shop, shop.subscription);
    shop.simulator.clock.advanceBy(40 * DAY_MS);
    expect(await statusOf(shop, shop.subscription)).toBe('unpaid');
    const [draft, owed] = (await shop.stripe.invoices.list({ subscription: shop.subscription.id })).data;
    expect(draft).toMatchObject({ status: 'draft', auto_advance: false });
    const method = await addMethod(shop.stripe, shop.customer, 'pm_card_mastercard');
    shop.simulator.issueDecision(shop.customer, undefined);
    await shop.stripe.invoices.pay(owed?.id ?? '', { payment_method: method });
    expect(await statusOf(shop, shop.subscription)).toBe('active');
  });

  it('a refused request to pay leaves the schedule as it was', async () => {
    const shop = await failing();
    toPeriodEnd(shop, shop.subscription);
    const before = await latestInvoice(shop, shop.subscription);
    const error = await stripeError(shop.stripe.invoices.pay(before.id));
    expect(error).toMatchObject({ statusCode: 402, decline_code: 'insufficient_funds' });
    const after = await latestInvoice(shop, shop.subscription);
    expect(after.attempt_count).toBe(before.attempt_count);
    expect(after.next_payment_attempt).toBe(before.next_payment_attempt);
  });
});

describe('a hard decline', () => {
  it('counts further retries without a charge, until there is another payment method', async () => {
    const shop = await failing('lost_card', { scheduleMs: [DAY_MS, 2 * DAY_MS, 3 * DAY_MS] });
    toPeriodEnd(shop, shop.subscription);
    shop.simulator.issueDecision(shop.customer, undefined);
    expect(await eventsDuring(shop, () => shop.simulator.clock.advanceBy(2 * DAY_MS))).toEqual([
      'invoice.updated',
      'invoice.updated',
    ]);
    expect(await latestInvoice(shop, shop.subscription)).toMatchObject({ status: 'open', attempt_count: 3 });
    await addMethod(shop.stripe, shop.customer, 'pm_card_mastercard');
    shop.simulator.clock.advanceBy(DAY_MS);
    expect(await latestInvoice(shop, shop.subscription)).toMatchObject({ status: 'paid', attempt_count: 4 });
  });

  it('ends like any other decline when no payment method comes', async () => {
    const shop = await failing('stolen_card', { scheduleMs: [DAY_MS, 2 * DAY_MS] });
    toPeriodEnd(shop, shop.subscription);
    const charges = shop.simulator.state.charges().length;
    shop.simulator.clock.advanceBy(3 * DAY_MS);
    expect(shop.simulator.state.charges()).toHaveLength(charges);
    expect(await statusOf(shop, shop.subscription)).toBe('canceled');
    expect((await latestInvoice(shop, shop.subscription)).attempt_count).toBe(3);
  });
});

describe('a renewal that requires 3-D Secure', () => {
  it('asks the customer, and is paid when the customer passes', async () => {
    const shop = await failing('authentication_required');
    const types = await eventsDuring(shop, () => toPeriodEnd(shop, shop.subscription));
    expect(types).toEqual([
      'invoice.created',
      'customer.subscription.updated',
      'payment_intent.created',
      'invoice.finalized',
      'payment_intent.requires_action',
      'invoice.payment_failed',
      'invoice.payment_action_required',
      'customer.subscription.updated',
      'invoice.updated',
    ]);
    const { id } = await latestInvoice(shop, shop.subscription);
    const invoice = await shop.stripe.invoices.retrieve(id, { expand: ['payments.data.payment.payment_intent'] });
    const intent = invoice.payments?.data[0]?.payment.payment_intent as Stripe.PaymentIntent;
    expect(intent.status).toBe('requires_action');
    const passed = await eventsDuring(shop, () => shop.simulator.completeAuthentication(intent.id, 'succeed'));
    expect(passed).toContain('invoice.paid');
    expect(await statusOf(shop, shop.subscription)).toBe('active');
  });
});
