import { stopAll } from '../support';
import {
  DAY_MS,
  eventsDuring,
  invoicesOf,
  latestInvoice,
  openShop,
  periodEnd,
  subscribe,
  toPeriodEnd,
} from './support';

afterEach(stopAll);

describe('a subscription without a trial', () => {
  it('is paid at once and is active', async () => {
    const shop = await openShop();
    let subscription = await subscribe(shop);
    expect(subscription).toMatchObject({ status: 'active', customer: shop.customer });
    const invoice = await latestInvoice(shop, subscription);
    expect(invoice).toMatchObject({
      status: 'paid',
      billing_reason: 'subscription_create',
      amount_due: 1900,
      amount_paid: 1900,
      attempt_count: 1,
      currency: 'eur',
      parent: { subscription_details: { subscription: subscription.id } },
      lines: { data: [{ amount: 1900, description: '1 × Sample plan (at €19.00 / month)' }] },
    });
    expect(invoice.number).toMatch(/-0001$/);
    subscription = await shop.stripe.subscriptions.retrieve(subscription.id, { expand: ['latest_invoice.payments'] });
    const latest = subscription.latest_invoice;
    if (latest === null || typeof latest === 'string') throw new Error('not expanded');
    const [payment] = latest.payments?.data ?? [];
    expect(payment).toMatchObject({ status: 'paid', amount_paid: 1900, invoice: invoice.id });
    const intent = await shop.stripe.paymentIntents.retrieve(String(payment?.payment.payment_intent));
    expect(intent).toMatchObject({ status: 'succeeded', amount: 1900, customer: shop.customer });
  });

  it('renews with a draft that is paid about an hour later', async () => {
    const shop = await openShop();
    const subscription = await subscribe(shop);
    const started = await eventsDuring(shop, () => toPeriodEnd(shop, subscription));
    expect(started).toEqual(['invoice.created', 'customer.subscription.updated']);
    const draft = await latestInvoice(shop, subscription);
    expect(draft).toMatchObject({ status: 'draft', billing_reason: 'subscription_cycle', attempted: false });
    expect((draft.automatically_finalizes_at ?? 0) - draft.created).toBeGreaterThanOrEqual(3600);
    const paid = await eventsDuring(shop, () => shop.simulator.clock.advanceBy(2 * 3_600_000));
    expect(paid).toEqual([
      'payment_intent.created',
      'invoice.finalized',
      'charge.succeeded',
      'payment_intent.succeeded',
      'invoice.paid',
      'invoice.payment_succeeded',
      'invoice_payment.paid',
    ]);
    const renewed = await shop.stripe.subscriptions.retrieve(subscription.id);
    expect(renewed.status).toBe('active');
    expect(periodEnd(renewed)).toBeGreaterThan(periodEnd(subscription));
    expect((await invoicesOf(shop, subscription)).map(({ status }) => status)).toEqual(['paid', 'paid']);
  });
});

describe('a trial', () => {
  it('begins with an invoice of zero, is announced three days before its end, and converts', async () => {
    const shop = await openShop();
    const subscription = await subscribe(shop, { trial_period_days: 14 });
    expect(subscription).toMatchObject({ status: 'trialing', billing_cycle_anchor: subscription.trial_end });
    expect(await latestInvoice(shop, subscription)).toMatchObject({
      status: 'paid',
      amount_due: 0,
      billing_reason: 'subscription_create',
      lines: { data: [{ description: 'Trial period for Sample plan' }] },
    });
    expect(await eventsDuring(shop, () => shop.simulator.clock.advanceBy(10.9 * DAY_MS))).toEqual([]);
    const told = await eventsDuring(shop, () => shop.simulator.clock.advanceBy(0.2 * DAY_MS));
    expect(told).toEqual(['customer.subscription.trial_will_end']);
    toPeriodEnd(shop, subscription);
    expect((await shop.stripe.subscriptions.retrieve(subscription.id)).status).toBe('active');
    shop.simulator.clock.advanceBy(DAY_MS);
    expect(await latestInvoice(shop, subscription)).toMatchObject({
      status: 'paid',
      amount_paid: 1900,
      billing_reason: 'subscription_cycle',
    });
  });

  it('that is short is announced at once', async () => {
    const shop = await openShop();
    const types = await eventsDuring(shop, () => subscribe(shop, { trial_period_days: 2 }), ['invoice']);
    expect(types).toEqual(['customer.subscription.created', 'customer.subscription.trial_will_end']);
  });

  it('whose first payment fails leaves the subscription past due', async () => {
    const shop = await openShop();
    const subscription = await subscribe(shop, { trial_period_days: 7 });
    shop.simulator.issueDecision(shop.customer, 'insufficient_funds');
    shop.simulator.clock.advanceBy(7.2 * DAY_MS);
    expect((await shop.stripe.subscriptions.retrieve(subscription.id)).status).toBe('past_due');
    expect(await latestInvoice(shop, subscription)).toMatchObject({ status: 'open', attempt_count: 1, amount_paid: 0 });
  });
});

it('the money of a subscription is on the balance, like that of any other charge', async () => {
  const shop = await openShop();
  const subscription = await subscribe(shop);
  toPeriodEnd(shop, subscription);
  shop.simulator.clock.advanceBy(DAY_MS);
  const { data } = await shop.stripe.charges.list({ customer: shop.customer, expand: ['data.balance_transaction'] });
  expect(data.map(({ amount, balance_transaction: moved }) => [amount, moved])).toMatchObject([
    [1900, { type: 'charge', amount: 1900, currency: 'eur' }],
    [1900, { type: 'charge', amount: 1900, currency: 'eur' }],
  ]);
});

it('a subscription shows no secret when there is nothing to pay', async () => {
  const shop = await openShop();
  const trial = await subscribe(shop, { trial_period_days: 7, expand: ['latest_invoice.confirmation_secret'] });
  expect(trial.latest_invoice).toMatchObject({ amount_due: 0, confirmation_secret: null });
});
