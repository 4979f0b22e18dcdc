import { stopAll, stripeError } from '../support';
import {
  addMethod,
  amounts,
  DAY_MS,
  eventsDuring,
  expectNear,
  invoicesOf,
  latestInvoice,
  openShop,
  periodEnd,
  subscribe,
  tenDaysIn,
  toPeriodEnd,
} from './support';

afterEach(stopAll);

describe('the end of a trial', () => {
  it('comes at once on request, with a payment', async () => {
    const shop = await openShop();
    const subscription = await subscribe(shop, { trial_period_days: 30 });
    const ended = await shop.stripe.subscriptions.update(subscription.id, { trial_end: 'now' });
    expect(ended.status).toBe('active');
    expect(await latestInvoice(shop, subscription)).toMatchObject({ status: 'paid', amount_paid: 1900 });
    expect(ended.billing_cycle_anchor).toBe(ended.items.data[0]?.current_period_start);
  });

  it('is announced at once when the trial is shortened to less than three days', async () => {
    const shop = await openShop();
    const subscription = await subscribe(shop, { trial_period_days: 30 });
    const soon = Math.floor(shop.simulator.clock.now() / 1000) + 86_400;
    const types = await eventsDuring(shop, () =>
      shop.stripe.subscriptions.update(subscription.id, { trial_end: soon }),
    );
    expect(types).toEqual(['customer.subscription.updated', 'customer.subscription.trial_will_end']);
    shop.simulator.clock.advanceTo(soon * 1000);
    expect((await shop.stripe.subscriptions.retrieve(subscription.id)).status).toBe('active');
  });

  it.each([
    ['pause', 'paused', ['customer.subscription.updated', 'customer.subscription.paused']],
    ['cancel', 'canceled', ['customer.subscription.deleted']],
    ['create_invoice', 'active', ['invoice.created', 'customer.subscription.updated']],
  ] as const)('without a payment method: %s', async (missing, status, events) => {
    const shop = await openShop();
    const { id: customer } = await shop.stripe.customers.create();
    const subscription = await subscribe(
      { ...shop, customer },
      { trial_period_days: 7, trial_settings: { end_behavior: { missing_payment_method: missing } } },
    );
    const types = await eventsDuring(shop, () => toPeriodEnd(shop, subscription));
    expect(types).toEqual(['customer.subscription.trial_will_end', ...events]);
    expect((await shop.stripe.subscriptions.retrieve(subscription.id)).status).toBe(status);
    if (missing !== 'create_invoice') return;
    shop.simulator.clock.advanceBy(DAY_MS);
    expect((await shop.stripe.subscriptions.retrieve(subscription.id)).status).toBe('past_due');
    expect(shop.simulator.state.charges()).toEqual([]);
  });

  it('that paused is resumed with a new period, when it is paid or right away', async () => {
    const shop = await openShop();
    const { id: customer } = await shop.stripe.customers.create();
    const trial_settings = { end_behavior: { missing_payment_method: 'pause' } } as const;
    const subscription = await subscribe({ ...shop, customer }, { trial_period_days: 7, trial_settings });
    toPeriodEnd(shop, subscription);
    shop.simulator.clock.advanceBy(90 * DAY_MS);
    await addMethod(shop.stripe, customer, 'pm_card_chargeCustomerFail');
    const waiting = await shop.stripe.subscriptions.resume(subscription.id, {
      payment_behavior: 'resume_on_payment_success',
    });
    expect(waiting.status).toBe('paused');
    const { id } = await latestInvoice(shop, subscription);
    expect(shop.simulator.payInvoice(id)).toBe('paid');
    const resumed = await shop.stripe.subscriptions.retrieve(subscription.id);
    expect(resumed.status).toBe('active');
    expect(periodEnd(resumed)).toBeGreaterThan(shop.simulator.clock.now() / 1000);
    toPeriodEnd(shop, resumed);
    expect((await latestInvoice(shop, subscription)).billing_reason).toBe('subscription_cycle');
    expect(await stripeError(shop.stripe.subscriptions.resume(subscription.id))).toMatchObject({ statusCode: 400 });
  });
});

describe('the end of a subscription', () => {
  it('at once: nothing is collected after it, and the subscription cannot be canceled again', async () => {
    const shop = await openShop();
    const subscription = await subscribe(shop);
    toPeriodEnd(shop, subscription);
    const canceled = await shop.stripe.subscriptions.cancel(subscription.id);
    expect(canceled).toMatchObject({ status: 'canceled', cancellation_details: { reason: 'cancellation_requested' } });
    const types = await eventsDuring(shop, () => shop.simulator.clock.advanceBy(90 * DAY_MS));
    expect(types).toEqual([]);
    expect((await latestInvoice(shop, subscription)).status).toBe('draft');
    expect(shop.simulator.clock.pendingTimers).toBe(0);
    expect(await stripeError(shop.stripe.subscriptions.cancel(subscription.id))).toMatchObject({ statusCode: 404 });
    const change = shop.stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
    expect((await stripeError(change)).message).toContain('canceled subscription can only update');
  });

  it('with invoice_now and prorate credits what was not used', async () => {
    const shop = await tenDaysIn();
    await shop.stripe.subscriptions.cancel(shop.subscription.id, { invoice_now: true, prorate: true });
    const invoice = await latestInvoice(shop, shop.subscription);
    expectNear(amounts(invoice), [[-2000, true]]);
    expect(invoice).toMatchObject({ status: 'paid', amount_due: 0 });
  });

  it('comes at the end of the period, unless that is revoked', async () => {
    const shop = await openShop();
    const first = await subscribe(shop);
    const second = await subscribe(shop);
    for (const { id } of [first, second]) {
      const ending = await shop.stripe.subscriptions.update(id, { cancel_at_period_end: true });
      expect(ending.cancel_at).toBe(periodEnd(ending));
    }
    await shop.stripe.subscriptions.update(second.id, { cancel_at_period_end: false });
    shop.simulator.clock.advanceBy(32 * DAY_MS);
    expect((await shop.stripe.subscriptions.retrieve(first.id)).status).toBe('canceled');
    expect(await shop.stripe.subscriptions.retrieve(second.id)).toMatchObject({ status: 'active', cancel_at: null });
    expect(await invoicesOf(shop, first)).toHaveLength(1);
    const listed = await shop.stripe.subscriptions.list({ customer: shop.customer });
    expect(listed.data.map(({ id }) => id)).toEqual([second.id]);
    const all = await shop.stripe.subscriptions.list({ customer: shop.customer, status: 'all', limit: 1 });
    expect([all.data.length, all.has_more]).toEqual([1, true]);
  });
});

describe('paused collection', () => {
  it.each([
    ['keep_as_draft', 'draft'],
    ['void', 'void'],
    ['mark_uncollectible', 'uncollectible'],
  ] as const)('%s', async (behavior, status) => {
    const shop = await openShop();
    const subscription = await subscribe(shop);
    const resumesAt = periodEnd(subscription) + 10 * 86_400;
    await shop.stripe.subscriptions.update(subscription.id, { pause_collection: { behavior, resumes_at: resumesAt } });
    toPeriodEnd(shop, subscription);
    shop.simulator.clock.advanceBy(DAY_MS);
    expect((await latestInvoice(shop, subscription)).status).toBe(status);
    expect((await shop.stripe.subscriptions.retrieve(subscription.id)).status).toBe('active');
    shop.simulator.clock.advanceBy(60 * DAY_MS);
    expect((await shop.stripe.subscriptions.retrieve(subscription.id)).pause_collection).toBeNull();
    expect((await latestInvoice(shop, subscription)).status).toBe('paid');
  });
});
