import type Stripe from 'stripe';
import { distinctRequests, recordedRequests, type RecordedRequest } from '../../../../workers/embedded/stripe/server';
import { ALLOWED, replay } from './contract';
import { startStripeMock, type StripeMock } from './stripe-mock';
import { HOLD, start, stopAll } from './support';

let mock: StripeMock;

beforeAll(async () => {
  mock = await startStripeMock();
}, 660_000);
afterAll(() => mock.stop());
afterEach(stopAll);

/** Every request that the product makes of payments, with every parameter that it sends. */
async function playEveryRequest(): Promise<RecordedRequest[]> {
  const { simulator, stripe } = await start();
  const customer = await stripe.customers.create({
    email: 'buyer@example.com',
    name: 'Sample',
    metadata: { customer_id: 'c-1' },
  });
  await stripe.customers.update(customer.id, { metadata: { tier: 'gold' } });
  await stripe.customers.retrieve(customer.id);
  await stripe.customers.list({ email: 'buyer@example.com', limit: 1 });
  const method = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
  await stripe.paymentMethods.retrieve(method.id);
  await stripe.paymentMethods.list({ customer: customer.id, type: 'card' });
  await stripe.customers.listPaymentMethods(customer.id);
  const full = {
    ...HOLD,
    customer: customer.id,
    payment_method: method.id,
    metadata: { order_id: 'o-1', attempt: '1' },
    description: 'Order o-1',
    setup_future_usage: 'off_session',
    payment_method_options: { card: { request_multicapture: 'if_available' } },
    shipping: {
      name: 'Sample',
      address: { line1: '1 Main St', city: 'Springfield', country: 'US', postal_code: '12345' },
    },
    expand: ['latest_charge', 'payment_method'],
  } satisfies Stripe.PaymentIntentCreateParams;
  const held = await stripe.paymentIntents.create(full);
  const { setup_future_usage: _usage, ...reauthorization } = full;
  await stripe.paymentIntents.create({ ...reauthorization, off_session: true });
  await stripe.paymentIntents.retrieve(held.id, { expand: ['latest_charge'] });
  await stripe.paymentIntents.capture(held.id, {
    amount_to_capture: 1000,
    final_capture: true,
    metadata: { shipment_id: 's-1' },
    expand: ['latest_charge'],
  });
  const { confirm: _confirm, payment_method: _method, ...unconfirmed } = HOLD;
  const open = await stripe.paymentIntents.create({ ...unconfirmed, allowed_payment_method_types: ['card'] });
  await stripe.paymentIntents.update(open.id, { amount: 6000, metadata: { order_id: 'o-2' } });
  await stripe.paymentIntents.confirm(open.id, {
    payment_method: 'pm_card_visa',
    return_url: 'https://shop.example/back',
    expand: ['latest_charge'],
  });
  await stripe.paymentIntents.cancel(open.id, { cancellation_reason: 'requested_by_customer' });
  await stripe.paymentIntents.list({
    customer: customer.id,
    limit: 3,
    created: { gte: 1 },
    expand: ['data.latest_charge'],
  });
  await stripe.paymentIntents.search({ query: "metadata['order_id']:'o-1'" });
  const [charge] = (await stripe.charges.list({ payment_intent: held.id })).data;
  await stripe.charges.retrieve(charge?.id ?? '');
  const [event] = (
    await stripe.events.list({ types: ['payment_intent.created'], delivery_success: true, created: { gte: 1 } })
  ).data;
  await stripe.events.retrieve(event?.id ?? '');
  await stripe.paymentMethods.detach(method.id);
  expect(simulator.state.requests().filter(({ status }) => status !== 200)).toEqual([]);
  return recordedRequests(simulator);
}

it('Stripe’s own mock accepts every request that the simulator accepted', async () => {
  const requests = distinctRequests(await playEveryRequest());
  expect(requests.length).toBeGreaterThanOrEqual(20);
  const answers = await replay(mock.url, requests);
  expect(answers.filter(({ verdict }) => verdict === 'refused')).toEqual([]);
});

it('is a check that can fail: the mock refuses an unknown parameter and a wrong type', async () => {
  const bad = (body: string): RecordedRequest => ({ method: 'POST', path: '/v1/payment_intents', body, status: 200 });
  const answers = await replay(mock.url, [
    bad('amount=5000&currency=usd&colour=red'),
    bad('amount=lots&currency=usd'),
    bad('currency=usd'),
  ]);
  expect(answers.map(({ verdict }) => verdict)).toEqual(['refused', 'refused', 'refused']);
});

it('ignores what the allow-list names, and nothing else', async () => {
  const allowed = [...ALLOWED, { parameter: 'colour', reason: 'made up for this test' }];
  const send = (body: string): Promise<{ verdict: string }[]> =>
    replay(mock.url, [{ method: 'POST', path: '/v1/payment_intents', body, status: 200 }], allowed);
  expect(await send('amount=5000&currency=usd&colour[0]=red')).toMatchObject([
    { verdict: 'allowed', parameters: ['colour'] },
  ]);
  expect(await send('amount=5000&currency=usd&colour=red&taste=sweet')).toMatchObject([{ verdict: 'refused' }]);
});
