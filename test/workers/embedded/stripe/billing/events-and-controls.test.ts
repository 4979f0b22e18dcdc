import type Stripe from 'stripe';
import { start, stopAll, stripeError } from '../support';
import { addCustomer, DAY_MS, eventsDuring, HOUR_MS, latestInvoice, openShop, subscribe, toPeriodEnd } from './support';

afterEach(stopAll);

describe('events', () => {
  it('of updates contain the previous values', async () => {
    const shop = await openShop({ billing: { finalizationDelayMs: 0 } });
    const subscription = await subscribe(shop);
    await shop.stripe.subscriptions.update(subscription.id, { metadata: { plan: 'b' } });
    shop.simulator.issueDecision(shop.customer, 'insufficient_funds');
    toPeriodEnd(shop, subscription);
    const updated = (await shop.stripe.events.list({ type: 'customer.subscription.updated', limit: 100 })).data;
    const previous = updated.reverse().map(({ data }) => data.previous_attributes as Record<string, unknown>);
    expect(previous.map((fields) => Object.keys(fields).sort())).toEqual([
      // The first payment.
      ['status'],
      ['metadata'],
      ['items', 'latest_invoice'],
      ['status'],
    ]);
    expect(previous[0]).toEqual({ status: 'incomplete' });
    expect(previous[1]).toEqual({ metadata: {} });
    expect(previous[3]).toEqual({ status: 'active' });
    const [invoice] = (await shop.stripe.events.list({ type: 'invoice.updated', limit: 1 })).data;
    expect(invoice?.data.previous_attributes).toEqual({ next_payment_attempt: null });
  });

  it('that change nothing are not written', async () => {
    const shop = await openShop();
    const subscription = await subscribe(shop, { metadata: { plan: 'a' } });
    const same = (): Promise<unknown> => shop.stripe.subscriptions.update(subscription.id, { metadata: { plan: 'a' } });
    expect(await eventsDuring(shop, same)).toEqual([]);
  });

  it('of upcoming renewals are sent when they are enabled', async () => {
    const shop = await openShop();
    await subscribe(shop);
    shop.simulator.setBilling({ upcomingNoticeMs: 7 * DAY_MS });
    const types = await eventsDuring(shop, () => shop.simulator.clock.advanceBy(26 * DAY_MS));
    expect(types).toEqual(['invoice.upcoming']);
    const [event] = shop.simulator.state.events().slice(-1);
    expect(event?.object).toMatchObject({ object: 'invoice', billing_reason: 'upcoming', amount_due: 1900 });
  });
});

describe('the issuer', () => {
  it('answers a list of outcomes one after the other, and then as the card does', async () => {
    const shop = await openShop({
      billing: { finalizationDelayMs: 0, scheduleMs: [1, 2, 3, 4].map((n) => n * DAY_MS) },
    });
    const subscription = await subscribe(shop);
    shop.simulator.issueDecision(shop.method, ['processing_error', 'insufficient_funds', 'do_not_honor']);
    toPeriodEnd(shop, subscription);
    shop.simulator.clock.advanceBy(5 * DAY_MS);
    const charges = (await shop.stripe.charges.list({ customer: shop.customer })).data.reverse();
    expect(charges.map(({ paid, outcome }) => (paid ? 'paid' : outcome?.reason))).toEqual([
      'paid',
      'processing_error',
      'insufficient_funds',
      'do_not_honor',
      'paid',
    ]);
  });

  it('repeats each outcome as often as set', async () => {
    const shop = await openShop({ billing: { finalizationDelayMs: 0, scheduleMs: [1, 2, 3].map((n) => n * DAY_MS) } });
    const subscription = await subscribe(shop);
    shop.simulator.issueDecision(shop.customer, ['insufficient_funds', 'do_not_honor'], { times: 2 });
    toPeriodEnd(shop, subscription);
    shop.simulator.clock.advanceBy(4 * DAY_MS);
    expect((await shop.stripe.subscriptions.retrieve(subscription.id)).status).toBe('canceled');
    const failed = shop.simulator.state.charges().filter(({ paid }) => !paid);
    expect(failed.map(({ outcome }) => outcome?.reason)).toEqual([
      'insufficient_funds',
      'insufficient_funds',
      'do_not_honor',
      'do_not_honor',
    ]);
  });
});

describe('controls for another process', () => {
  it('set the collection, script the issuer, show the objects and pay an invoice', async () => {
    const shop = await openShop();
    const control = async (path: string, body?: object): Promise<Record<string, unknown>> => {
      const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
      const response = await fetch(`${shop.simulator.url}/_simulator${path}`, init);
      return (await response.json()) as Record<string, unknown>;
    };
    expect(await control('/billing')).toMatchObject({ retries: 7, onExhausted: 'cancel' });
    const set = await control('/billing', { scheduleMs: [DAY_MS], finalizationDelayMs: 0 });
    expect(set).toMatchObject({ scheduleMs: [DAY_MS], finalizationDelayMs: 0 });
    expect(await control('/billing', { retries: 99 })).toMatchObject({
      error: expect.stringContaining('retries') as string,
    });
    const subscription = await subscribe(shop);
    await control('/decisions', { target: shop.customer, outcome: ['insufficient_funds'] });
    await control('/clock', { advanceToMs: (subscription.items.data[0]?.current_period_end ?? 0) * 1000 });
    expect(await control('/state/subscriptions')).toMatchObject([{ id: subscription.id, status: 'past_due' }]);
    const { id } = await latestInvoice(shop, subscription);
    expect(await control(`/invoices/${id}/pay`, { card: 'pm_card_chargeDeclined' })).toEqual({ outcome: 'declined' });
    expect(await control(`/invoices/${id}/pay`, {})).toEqual({ outcome: 'paid' });
    expect(await control(`/invoices/${id}/pay`, {})).toMatchObject({ error: expect.stringContaining(id) as string });
    expect((await shop.stripe.subscriptions.retrieve(subscription.id)).status).toBe('active');
  });
});

describe('the catalogue', () => {
  it('keeps products and prices, and a lookup key for one price', async () => {
    const { stripe } = await start();
    const product = await stripe.products.create({ name: 'Plan', metadata: { tier: 'a' } });
    expect(await stripeError(stripe.products.create({ id: product.id, name: 'Again' }))).toMatchObject({
      code: 'resource_already_exists',
    });
    const params = {
      product: product.id,
      currency: 'eur',
      unit_amount: 900,
      recurring: { interval: 'month' },
    } as const;
    const first = await stripe.prices.create({ ...params, lookup_key: 'monthly' });
    expect(await stripeError(stripe.prices.create({ ...params, lookup_key: 'monthly' }))).toMatchObject({
      param: 'lookup_key',
    });
    const second = await stripe.prices.create({ ...params, lookup_key: 'monthly', transfer_lookup_key: true });
    const found = await stripe.prices.list({ lookup_keys: ['monthly'], expand: ['data.product'] });
    expect(found.data).toMatchObject([{ id: second.id, product: { name: 'Plan' } }]);
    expect((await stripe.prices.retrieve(first.id)).lookup_key).toBeNull();
    await stripe.products.update(product.id, { active: false });
    expect((await stripe.products.list({ active: true })).data).toEqual([]);
    const both = stripe.prices.create({ ...params, product_data: { name: 'Inline' } });
    expect((await stripeError(both)).message).toContain('either `product` or `product_data`');
  });
});

it('holds two hundred subscriptions with a timer each and renews them all in one jump', async () => {
  const shop = await openShop({ limits: { events: 100_000 } });
  const { stripe, simulator } = shop;
  const made: Stripe.Subscription[] = [];
  for (let batch = 0; batch < 4; batch += 1) {
    const customers = await Promise.all(Array.from({ length: 50 }, () => addCustomer(stripe, 'pm_card_visa')));
    made.push(...(await Promise.all(customers.map(({ customer }) => subscribe({ ...shop, customer })))));
  }
  expect(simulator.clock.pendingTimers).toBe(200);
  for (const { customer } of made.slice(0, 50)) simulator.issueDecision(customer as string, 'insufficient_funds');
  simulator.clock.advanceBy(31 * DAY_MS + 2 * HOUR_MS);
  const statuses = (simulator.state.objects('subscriptions') as Stripe.Subscription[]).map(({ status }) => status);
  expect(statuses.filter((status) => status === 'active')).toHaveLength(150);
  expect(statuses.filter((status) => status === 'past_due')).toHaveLength(50);
  // A period's end each, and a retry for those that failed.
  expect(simulator.clock.pendingTimers).toBe(250);
  const finalized = simulator.state.events().filter(({ type }) => type === 'invoice.finalized');
  expect(new Set(finalized.slice(-200).map(({ created }) => created)).size).toBeGreaterThan(100);
});
