import {
  distinctRequests,
  recordedRequests,
  type RecordedRequest,
} from '../../../../../workers/embedded/stripe/server';
import { differingFields, replay, type AllowedParameter } from '../contract';
import { startStripeMock, type StripeMock } from '../stripe-mock';
import { stopAll } from '../support';
import { addCustomer, addPrice, DAY_MS, latestInvoice, openShop, subscribe, toPeriodEnd, type Shop } from './support';

/** Parameters of SDK 23.1 that are newer than stripe-mock 0.203.0; they are allowed where a subscription is resumed. */
const NEWER: readonly AllowedParameter[] = [
  { parameter: 'payment_behavior', reason: 'new when a subscription is resumed' },
  { parameter: 'billing_cycle_anchor', reason: 'an object now, once a word' },
];

let mock: StripeMock;

beforeAll(async () => {
  mock = await startStripeMock();
}, 660_000);
afterAll(() => mock.stop());
afterEach(stopAll);

async function playCatalogue({ stripe }: Shop): Promise<void> {
  const product = await stripe.products.create({
    name: 'Other plan',
    description: 'All of it',
    active: true,
    images: ['https://shop.example/a.png'],
    metadata: { tier: 'gold' },
    shippable: false,
    statement_descriptor: 'HOLDFAST',
    unit_label: 'seat',
    url: 'https://shop.example',
  });
  const price = await stripe.prices.create({
    currency: 'eur',
    unit_amount: 900,
    product: product.id,
    nickname: 'Yearly',
    lookup_key: 'yearly',
    transfer_lookup_key: true,
    tax_behavior: 'exclusive',
    billing_scheme: 'per_unit',
    metadata: { tier: 'gold' },
    recurring: { interval: 'year', interval_count: 1, usage_type: 'licensed', trial_period_days: 7 },
  });
  await stripe.prices.create({ currency: 'eur', unit_amount: 5, product_data: { name: 'Inline', unit_label: 'seat' } });
  await stripe.prices.update(price.id, { active: true, nickname: 'Each year', metadata: { tier: 'silver' } });
  await stripe.prices.retrieve(price.id, { expand: ['product'] });
  await stripe.prices.list({
    active: true,
    currency: 'eur',
    lookup_keys: ['yearly'],
    product: product.id,
    recurring: { interval: 'year', usage_type: 'licensed' },
    type: 'recurring',
    limit: 3,
  });
  await stripe.products.update(product.id, {
    name: 'Renamed',
    default_price: price.id,
    description: '',
    unit_label: '',
  });
  await stripe.products.retrieve(product.id, { expand: ['default_price'] });
  await stripe.products.list({ active: true, ids: [product.id] });
}

async function playSubscription(shop: Shop): Promise<void> {
  const { stripe, customer, method, simulator } = shop;
  const bigger = await addPrice(stripe, (await stripe.products.create({ name: 'Bigger' })).id, 2900);
  const subscription = await subscribe(shop, {
    items: [{ price: shop.price, quantity: 2, metadata: { seat: 'a' } }],
    default_payment_method: method,
    trial_period_days: 14,
    trial_settings: { end_behavior: { missing_payment_method: 'pause' } },
    payment_behavior: 'default_incomplete',
    payment_settings: { save_default_payment_method: 'on_subscription', payment_method_types: ['card'] },
    collection_method: 'charge_automatically',
    proration_behavior: 'create_prorations',
    billing_mode: { type: 'flexible' },
    cancel_at_period_end: false,
    off_session: true,
    description: 'Sample',
    metadata: { plan: 'a' },
    currency: 'eur',
    expand: ['latest_invoice.payments', 'latest_invoice.confirmation_secret', 'customer', 'default_payment_method'],
  });
  const { id } = subscription;
  const [item] = subscription.items.data;
  await stripe.subscriptions.retrieve(id, { expand: ['items.data.price.product', 'test_clock', 'latest_invoice'] });
  await stripe.subscriptions.update(id, {
    trial_end: 'now',
    proration_behavior: 'none',
    payment_behavior: 'allow_incomplete',
  });
  await stripe.subscriptions.update(id, {
    items: [{ id: item?.id ?? '', price: bigger, quantity: 1 }],
    proration_behavior: 'always_invoice',
    payment_behavior: 'pending_if_incomplete',
  });
  await stripe.subscriptions.update(id, { pause_collection: { behavior: 'void' }, metadata: { plan: 'b' } });
  await stripe.subscriptions.update(id, { pause_collection: '', cancel_at_period_end: true, description: '' });
  await stripe.subscriptions.update(id, { cancel_at: '', default_payment_method: method });
  await stripe.subscriptionItems.list({ subscription: id, limit: 2 });
  await stripe.subscriptionItems.retrieve(item?.id ?? '');
  await stripe.subscriptionItems.update(item?.id ?? '', { quantity: 3, proration_behavior: 'create_prorations' });
  await stripe.invoices.createPreview({
    subscription: id,
    subscription_details: {
      items: [{ id: item?.id ?? '', price: shop.price, quantity: 2 }],
      proration_behavior: 'create_prorations',
    },
  });
  await stripe.subscriptions.list({
    customer,
    status: 'all',
    price: bigger,
    limit: 2,
    collection_method: 'charge_automatically',
  });
  await stripe.subscriptions.cancel(id, {
    invoice_now: true,
    prorate: true,
    cancellation_details: { comment: 'Enough', feedback: 'other' },
  });
  const paused = await subscribe(
    { ...shop, customer: (await stripe.customers.create()).id },
    {
      trial_end: Math.floor(simulator.clock.now() / 1000) + 86_400,
      trial_settings: { end_behavior: { missing_payment_method: 'pause' } },
    },
  );
  simulator.clock.advanceBy(2 * DAY_MS);
  await stripe.subscriptions.resume(paused.id, {
    billing_cycle_anchor: { type: 'now' },
    payment_behavior: 'resume_on_payment_attempt',
  });
}

async function playInvoices(shop: Shop): Promise<void> {
  const { stripe, customer, simulator, method } = shop;
  const subscription = await subscribe(shop);
  const draftAfterPeriod = async (): Promise<string> => {
    const fresh = await stripe.subscriptions.retrieve(subscription.id);
    toPeriodEnd(shop, fresh);
    return (await latestInvoice(shop, subscription)).id;
  };
  const first = await draftAfterPeriod();
  await stripe.invoices.update(first, {
    description: 'Sample',
    auto_advance: true,
    metadata: { a: 'b' },
    default_payment_method: method,
  });
  await stripe.invoices.finalizeInvoice(first, { auto_advance: true });
  await stripe.invoices.pay(first, { payment_method: method, off_session: true });
  const second = await draftAfterPeriod();
  await stripe.invoices.finalizeInvoice(second);
  await stripe.invoices.pay(second, { paid_out_of_band: true });
  const third = await draftAfterPeriod();
  await stripe.invoices.finalizeInvoice(third);
  await stripe.invoices.markUncollectible(third);
  await stripe.invoices.voidInvoice(third);
  await stripe.invoices.retrieve(first, { expand: ['payments', 'confirmation_secret', 'customer'] });
  await stripe.invoices.listLineItems(first, { limit: 3 });
  await stripe.invoices.list({
    customer,
    subscription: subscription.id,
    status: 'paid',
    collection_method: 'charge_automatically',
    created: { gte: 1 },
    limit: 3,
  });
  const [payment] = (await stripe.invoicePayments.list({ invoice: first, status: 'paid' })).data;
  await stripe.invoicePayments.list({
    payment: { type: 'payment_intent', payment_intent: String(payment?.payment.payment_intent) },
  });
  await stripe.invoicePayments.retrieve(payment?.id ?? '', { expand: ['payment.payment_intent'] });
  simulator.clock.advanceBy(DAY_MS);
}

async function playTestClock({ stripe, price }: Shop): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: now, name: 'Sample' });
  const { id: customer } = await stripe.customers.create({ test_clock: clock.id });
  await stripe.subscriptions.create({ customer, items: [{ price }], trial_period_days: 3 });
  await stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: now + 86_400 });
  await stripe.testHelpers.testClocks.retrieve(clock.id);
  await stripe.testHelpers.testClocks.list({ limit: 3 });
  await stripe.customers.list({ test_clock: clock.id });
  await stripe.subscriptions.list({ test_clock: clock.id });
  await stripe.testHelpers.testClocks.del(clock.id);
}

async function playEveryRequest(): Promise<RecordedRequest[]> {
  const shop = await openShop();
  await playCatalogue(shop);
  await playSubscription(shop);
  await playInvoices({ ...shop, ...(await addCustomer(shop.stripe, 'pm_card_visa')) });
  await playTestClock(shop);
  const refused = shop.simulator.state.requests().filter(({ status }) => status !== 200);
  expect(refused.map(({ method, path, body }) => `${method} ${path} ${body}`)).toEqual([]);
  return recordedRequests(shop.simulator);
}

it('Stripe’s own mock accepts every request of Billing that the simulator accepted', async () => {
  const requests = distinctRequests(await playEveryRequest());
  expect(requests.length).toBeGreaterThanOrEqual(50);
  const answers = await replay(mock.url, requests, NEWER);
  expect(answers.filter(({ verdict }) => verdict === 'refused')).toEqual([]);
  const allowed = answers.filter(({ verdict }) => verdict === 'allowed');
  expect(allowed.map(({ request }) => /\/resume /.test(request))).toEqual([true]);
});

/** Fields that the answers do not share, each with its reason; everything else agrees. */
const DIFFERENT: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      'current_trial',
      'items.current_trial',
      'items.data[].current_trial',
      'tax_details',
      'trial_settings.end_behavior.billing_cycle_anchor',
      'price.recurring.trial_period_days',
      'items.data[].price.recurring.trial_period_days',
      'items.price.recurring.trial_period_days',
      'recurring.trial_period_days',
    ].map((field) => [`+${field}`, 'newer than the mock, and in the types of SDK 23.1']),
  ),
  ...Object.fromEntries(
    [
      'items.data[].plan',
      'items.plan',
      'lines.data[].pricing.price_details',
      'lines.pricing.price_details',
      'payment.payment_intent',
      'plan',
      'pricing.price_details',
      'type',
    ].map((field) => [`+${field}`, 'left out of the mock’s samples']),
  ),
  ...Object.fromEntries(
    ['items.total_count', 'lines.total_count', 'total_count'].map((field) => [
      `+${field}`,
      'Stripe counts lists inside an object, and the specification has it not',
    ]),
  ),
};

it('answers with the fields of Stripe’s own mock', async () => {
  const shop = await openShop();
  const { stripe } = shop;
  const subscription = await subscribe(shop);
  const { id: invoice } = await latestInvoice(shop, subscription);
  const [payment] = (await stripe.invoicePayments.list({ invoice })).data;
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: 1_700_000_000 });
  const paths = [
    `/v1/products/${(await stripe.products.list()).data[0]?.id ?? ''}`,
    `/v1/prices/${shop.price}`,
    `/v1/subscriptions/${subscription.id}`,
    `/v1/subscription_items/${subscription.items.data[0]?.id ?? ''}`,
    `/v1/invoices/${invoice}`,
    `/v1/invoices/${invoice}/lines`,
    `/v1/invoice_payments/${payment?.id ?? ''}`,
    `/v1/test_helpers/test_clocks/${clock.id}`,
    '/v1/products',
    '/v1/prices',
    '/v1/subscriptions',
    `/v1/subscription_items?subscription=${subscription.id}`,
    '/v1/invoices',
    '/v1/invoice_payments',
    '/v1/test_helpers/test_clocks',
  ];
  expect(await differingFields(stripe, mock.url, paths)).toEqual(Object.keys(DIFFERENT).sort());
});
