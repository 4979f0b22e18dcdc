import type Stripe from 'stripe';
import { stopAll, stripeError } from '../support';
import {
  addCustomer,
  addMethod,
  addPrice,
  eventsDuring,
  HOUR_MS,
  latestInvoice,
  openShop,
  subscribe,
  type Shop,
} from './support';

afterEach(stopAll);

const intentOf = async ({ stripe }: Shop, invoice: Stripe.Invoice): Promise<Stripe.PaymentIntent> => {
  const [payment] = (await stripe.invoicePayments.list({ invoice: invoice.id ?? '' })).data;
  return stripe.paymentIntents.retrieve(String(payment?.payment.payment_intent));
};

describe('the first payment', () => {
  it('that is refused leaves the subscription incomplete, and nothing is tried again', async () => {
    const shop = await openShop({}, 'pm_card_chargeCustomerFail');
    const subscription = await subscribe(shop);
    expect(subscription.status).toBe('incomplete');
    const invoice = await latestInvoice(shop, subscription);
    expect(invoice).toMatchObject({ status: 'open', attempt_count: 1, next_payment_attempt: null });
    const types = await eventsDuring(shop, () => shop.simulator.clock.advanceBy(22 * HOUR_MS));
    expect(types).toEqual([]);
  });

  it('expires after 23 hours: the subscription has ended and its invoice is void', async () => {
    const shop = await openShop({}, 'pm_card_chargeCustomerFail');
    const subscription = await subscribe(shop);
    const types = await eventsDuring(shop, () => shop.simulator.clock.advanceBy(23 * HOUR_MS));
    expect(types).toEqual(['customer.subscription.updated', 'payment_intent.canceled', 'invoice.voided']);
    expect(await shop.stripe.subscriptions.retrieve(subscription.id)).toMatchObject({ status: 'incomplete_expired' });
    const invoice = await latestInvoice(shop, subscription);
    expect(invoice.status).toBe('void');
    expect(await stripeError(shop.stripe.invoices.pay(invoice.id))).toMatchObject({ statusCode: 400 });
    expect(shop.simulator.clock.pendingTimers).toBe(0);
  });

  it('waits for the customer with default_incomplete, who pays it with a card that is kept', async () => {
    const shop = await openShop();
    const { id: customer } = await shop.stripe.customers.create();
    const subscription = await subscribe(
      { ...shop, customer },
      {
        payment_behavior: 'default_incomplete',
        payment_settings: { save_default_payment_method: 'on_subscription' },
        expand: ['latest_invoice.confirmation_secret'],
      },
    );
    expect(subscription.status).toBe('incomplete');
    const invoice = subscription.latest_invoice as Stripe.Invoice;
    const intent = await intentOf(shop, invoice);
    expect(invoice.confirmation_secret).toEqual({ client_secret: intent.client_secret, type: 'payment_intent' });
    expect(invoice).toMatchObject({ status: 'open', attempted: false, attempt_count: 0 });
    expect(intent).toMatchObject({ status: 'requires_payment_method', description: 'Subscription creation' });
    await shop.stripe.paymentIntents.confirm(intent.id, { payment_method: 'pm_card_visa' });
    const paid = await shop.stripe.subscriptions.retrieve(subscription.id, { expand: ['default_payment_method'] });
    expect(paid).toMatchObject({ status: 'active', default_payment_method: { customer } });
  });

  it('asks for 3-D Secure when the card requires it', async () => {
    const shop = await openShop({}, 'pm_card_authenticationRequired');
    const subscription = await subscribe(shop);
    expect(subscription.status).toBe('incomplete');
    const intent = await intentOf(shop, await latestInvoice(shop, subscription));
    expect(intent.status).toBe('requires_action');
    shop.simulator.completeAuthentication(intent.id, 'succeed');
    expect((await shop.stripe.subscriptions.retrieve(subscription.id)).status).toBe('active');
  });

  it('fails the request with error_if_incomplete, and leaves no subscription', async () => {
    const shop = await openShop({}, 'pm_card_chargeCustomerFail');
    const error = await stripeError(subscribe(shop, { payment_behavior: 'error_if_incomplete' }));
    expect(error).toMatchObject({ type: 'StripeCardError', statusCode: 402, code: 'card_declined' });
    expect((await shop.stripe.subscriptions.list({ status: 'all' })).data).toEqual([]);
    await addMethod(shop.stripe, shop.customer, 'pm_card_visa');
    const subscription = await subscribe(shop, { payment_behavior: 'error_if_incomplete' });
    expect(subscription.status).toBe('active');
    expect(await latestInvoice(shop, subscription)).toMatchObject({ status: 'paid', attempt_count: 1 });
    expect(shop.simulator.state.charges().filter(({ paid }) => paid)).toHaveLength(1);
  });

  it('needs a payment method to charge', async () => {
    const shop = await openShop();
    const { id: customer } = await shop.stripe.customers.create();
    expect(await stripeError(subscribe({ ...shop, customer }))).toMatchObject({ code: 'resource_missing' });
    expect(await subscribe({ ...shop, customer }, { trial_period_days: 3 })).toMatchObject({ status: 'trialing' });
  });
});

describe('a bad request for a subscription', () => {
  it('is refused before anything exists', async () => {
    const shop = await openShop();
    const other = await addCustomer(shop.stripe, 'pm_card_visa');
    const product = (await shop.stripe.products.create({ name: 'Other' })).id;
    const weekly = await addPrice(shop.stripe, product, 500, { interval: 'week' });
    const { id: once } = await shop.stripe.prices.create({ product, currency: 'eur', unit_amount: 500 });
    const { id: dollars } = await shop.stripe.prices.create({
      product,
      currency: 'usd',
      unit_amount: 500,
      recurring: { interval: 'month' },
    });
    const retired = await addPrice(shop.stripe, product, 700);
    await shop.stripe.prices.update(retired, { active: false });
    const items = (...prices: string[]): { items: { price: string }[] } => ({
      items: prices.map((price) => ({ price })),
    });
    const bad: [Partial<Stripe.SubscriptionCreateParams>, string][] = [
      [items('price_none'), 'No such price'],
      [items(once), 'type=one_time'],
      [items(retired), 'inactive'],
      [items(shop.price, weekly), 'same recurring interval'],
      [items(shop.price, dollars), 'only supports `usd`'],
      [items(shop.price, shop.price), 'multiple subscription items'],
      [{ items: [] }, 'Missing required param: items'],
      [{ default_payment_method: other.method }, 'must be attached to the customer'],
      [{ trial_end: 1 }, 'in the future'],
      [{ trial_end: Math.floor(Date.now() / 1000) + 800 * 86_400 }, 'two years'],
      [{ trial_period_days: 800 }, 'less than or equal to 730'],
      [{ payment_behavior: 'pending_if_incomplete' }, 'only be used with updates'],
      [{ collection_method: 'send_invoice' }, 'must be one of charge_automatically'],
      [{ coupon: 'X' } as Partial<Stripe.SubscriptionCreateParams>, 'Received unknown parameter: coupon'],
    ];
    for (const [params, message] of bad) {
      const error = await stripeError(subscribe(shop, params));
      expect(error.message).toContain(message);
      expect(error.statusCode).toBe(400);
    }
    expect(shop.simulator.state.objects('subscriptions')).toEqual([]);
    expect(shop.simulator.state.objects('invoices')).toEqual([]);
    expect(await stripeError(shop.stripe.subscriptions.retrieve('sub_none'))).toMatchObject({ statusCode: 404 });
    expect(await stripeError(shop.stripe.invoices.retrieve('in_none'))).toMatchObject({ statusCode: 404 });
  });

  it('is answered from the idempotency store the second time, and is made once', async () => {
    const shop = await openShop();
    const key = { idempotencyKey: 'subscribe-1' };
    const params = { customer: shop.customer, items: [{ price: shop.price }] };
    shop.simulator.faults.add({
      match: { pathPattern: '^/v1/subscriptions$' },
      action: { kind: 'reset', when: 'after' },
      times: 2,
    });
    const lost = await shop.stripe.subscriptions.create(params, key).catch((error: unknown) => error);
    expect(String(lost)).toContain('onnection');
    shop.simulator.faults.clear();
    const again = await shop.stripe.subscriptions.create(params, key);
    expect(again.lastResponse.headers['idempotent-replayed']).toBe('true');
    expect(shop.simulator.state.objects('subscriptions')).toHaveLength(1);
    expect(shop.simulator.state.charges()).toHaveLength(1);
    const other = await stripeError(shop.stripe.subscriptions.create({ ...params, metadata: { a: 'b' } }, key));
    expect(other.type).toBe('StripeIdempotencyError');
  });
});
