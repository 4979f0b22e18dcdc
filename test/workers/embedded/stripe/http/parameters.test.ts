import type Stripe from 'stripe';
import { parseForm } from '../../../../../workers/embedded/stripe/http/form';
import { TRANSITIONS } from '../../../../../workers/embedded/stripe/payments/intent-states';
import { chargeOf, clientFor, HOLD, start, stopAll, stripeError } from '../support';

afterEach(stopAll);

const OK = { amount: 5000, currency: 'usd' };

describe('bad parameters', () => {
  it.each<[string, object, object]>([
    ['unknown', { ...OK, colour: 'red' }, { code: 'parameter_unknown', param: 'colour' }],
    [
      'unknown inside',
      { ...OK, shipping: { name: 'A', address: { planet: 'x' } } },
      { code: 'parameter_unknown', param: 'shipping[address][planet]' },
    ],
    ['missing amount', { currency: 'usd' }, { code: 'parameter_missing', param: 'amount' }],
    ['missing currency', { amount: 5000 }, { code: 'parameter_missing', param: 'currency' }],
    ['zero', { ...OK, amount: 0 }, { code: 'parameter_invalid_integer', param: 'amount' }],
    ['negative', { ...OK, amount: -5 }, { code: 'parameter_invalid_integer', param: 'amount' }],
    ['fractional', { ...OK, amount: 10.5 }, { code: 'parameter_invalid_integer', param: 'amount' }],
    ['huge', { ...OK, amount: 1_000_000_000_000 }, { code: 'amount_too_large', param: 'amount' }],
    ['under the minimum', { ...OK, amount: 49 }, { code: 'amount_too_small', param: 'amount' }],
    ['unknown currency', { ...OK, currency: 'xyz' }, { param: 'currency' }],
    ['upper-case currency', { ...OK, currency: 'USD' }, { param: 'currency' }],
    ['bad enum', { ...OK, capture_method: 'later' }, { param: 'capture_method' }],
    ['bad boolean', { ...OK, confirm: 'maybe' }, { param: 'confirm' }],
    ['empty', { ...OK, currency: '' }, { code: 'parameter_invalid_empty', param: 'currency' }],
    ['long metadata key', { ...OK, metadata: { ['k'.repeat(41)]: 'v' } }, {}],
    ['unknown customer', { ...OK, customer: 'cus_nobody' }, { code: 'resource_missing', param: 'customer' }],
    [
      'unknown payment method',
      { ...OK, payment_method: 'pm_nothing' },
      { code: 'resource_missing', param: 'payment_method' },
    ],
    ['off_session without confirm', { ...OK, off_session: true }, { param: 'off_session' }],
    ['confirm without a method', { ...OK, confirm: true }, { code: 'payment_intent_unexpected_state' }],
    ['confirm without return_url', { ...OK, confirm: true, payment_method: 'pm_card_visa' }, { param: 'return_url' }],
    ['expand of nothing', { ...OK, expand: ['nonsense'] }, { param: 'expand' }],
  ])('%s', async (_name, params, error) => {
    const { simulator, stripe } = await start();
    const failed = await stripeError(stripe.paymentIntents.create(params as Stripe.PaymentIntentCreateParams));
    expect(failed).toMatchObject({ type: 'StripeInvalidRequestError', statusCode: 400, ...error });
    expect(simulator.state.paymentIntents()).toHaveLength(0);
    expect(simulator.state.events()).toHaveLength(0);
  });

  it('gives Stripe’s 404 for what does not exist, and 401 for a wrong key', async () => {
    const { simulator, stripe } = await start();
    expect(await stripeError(stripe.paymentIntents.retrieve('pi_none'))).toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
      param: 'intent',
    });
    expect(await stripeError(stripe.payouts.list())).toMatchObject({
      statusCode: 404,
      type: 'StripeInvalidRequestError',
    });
    expect(await stripeError(stripe.rawRequest('GET', '/v1/_nothing'))).toMatchObject({ statusCode: 404 });
    const stranger = clientFor({ port: simulator.port, secretKey: 'sk_test_other' });
    const refused = await stripeError(stranger.customers.list());
    expect(refused).toMatchObject({ type: 'StripeAuthenticationError', statusCode: 401 });
    expect(refused.message).not.toContain('sk_test_other');
  });
});

describe('form decoding', () => {
  it('reads maps, lists, lists of maps, and escapes', () => {
    expect(JSON.parse(JSON.stringify(parseForm('a=1&b[c][d]=x+y&e[]=1&e[]=2&f[0][g]=%5B&f[1][g]=z&h=')))).toEqual({
      a: '1',
      b: { c: { d: 'x y' } },
      e: ['1', '2'],
      f: [{ g: '[' }, { g: 'z' }],
      h: '',
    });
  });

  it('reads __proto__ as a key like any other', () => {
    parseForm('__proto__[polluted]=1');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('refuses bad escapes and endless nesting', () => {
    expect(() => parseForm('a=%zz')).toThrow('Invalid URL encoding');
    expect(() => parseForm(`a${'[b]'.repeat(20)}=1`)).toThrow('too deeply');
  });
});

describe('reading back', () => {
  it('expands references, in lists and in depth', async () => {
    const { stripe } = await start();
    const customer = await stripe.customers.create({ name: 'Sample', metadata: { a: '1', b: '2' } });
    const intent = await stripe.paymentIntents.create({
      ...HOLD,
      customer: customer.id,
      setup_future_usage: 'off_session',
    });
    const expanded = await stripe.paymentIntents.retrieve(intent.id, {
      expand: ['customer', 'payment_method.customer', 'latest_charge.payment_intent'],
    });
    expect(expanded).toMatchObject({
      customer: { name: 'Sample' },
      payment_method: { object: 'payment_method', customer: { name: 'Sample' } },
      latest_charge: {
        object: 'charge',
        payment_intent: { id: intent.id, latest_charge: expect.stringMatching(/^ch_/) as string },
      },
    });
    const [listed] = (await stripe.paymentIntents.list({ customer: customer.id, expand: ['data.latest_charge'] })).data;
    expect(chargeOf(listed as Stripe.PaymentIntent).paid).toBe(true);
    expect((await stripe.paymentIntents.retrieve(intent.id)).customer).toBe(customer.id);
    expect((await stripe.customers.update(customer.id, { metadata: { a: '', c: '3' } })).metadata).toEqual({
      b: '2',
      c: '3',
    });
    expect((await stripe.customers.retrieve(customer.id)).lastResponse.headers['stripe-version']).toBe(
      '2026-10-28.endive',
    );
  });

  it('pages through lists both ways, newest first, with filters', async () => {
    const { simulator, stripe } = await start();
    const ids: string[] = [];
    for (let index = 0; index < 25; index += 1) ids.unshift((await stripe.paymentIntents.create(OK)).id);
    const all: string[] = [];
    for await (const intent of stripe.paymentIntents.list({ limit: 7 })) all.push(intent.id);
    expect(all).toEqual(ids);
    const page = await stripe.paymentIntents.list({ limit: 3, ending_before: ids[10] as string });
    expect(page.data.map(({ id }) => id)).toEqual(ids.slice(7, 10));
    expect(page.has_more).toBe(true);
    expect((await stripe.paymentIntents.list()).data).toHaveLength(10);
    expect((await stripe.paymentIntents.list({ limit: 25 })).has_more).toBe(false);
    expect((await stripe.paymentIntents.list({ limit: 24 })).has_more).toBe(true);
    simulator.clock.advanceBy(10_000);
    const later = await stripe.paymentIntents.create(OK);
    const since = await stripe.paymentIntents.list({ created: { gte: later.created } });
    expect(since.data.map(({ id }) => id)).toEqual([later.id]);
    expect(await stripeError(stripe.paymentIntents.list({ starting_after: 'pi_none' }))).toMatchObject({
      param: 'starting_after',
    });
    expect(await stripeError(stripe.paymentIntents.list({ limit: 101 }))).toMatchObject({ param: 'limit' });
  });

  it('lists events by type, and no more than its limit keeps', async () => {
    const { simulator, stripe } = await start({ limits: { events: 20 } });
    for (let index = 0; index < 15; index += 1) await stripe.paymentIntents.create(HOLD);
    expect(simulator.state.events().length).toBeLessThanOrEqual(20);
    expect(
      (await stripe.events.list({ type: 'charge.succeeded' })).data.every(({ type }) => type === 'charge.succeeded'),
    ).toBe(true);
    expect((await stripe.events.list({ types: ['charge.failed'] })).data).toEqual([]);
  });

  it('finds by metadata, but not what is younger than the index', async () => {
    const { simulator, stripe } = await start();
    const intent = await stripe.paymentIntents.create({ ...OK, metadata: { order_id: 'o-1' } });
    const search = async (): Promise<string[]> =>
      (
        await stripe.paymentIntents.search({ query: "metadata['order_id']:'o-1' AND status:'requires_payment_method'" })
      ).data.map(({ id }) => id);
    expect(await search()).toEqual([]);
    simulator.clock.advanceBy(61_000);
    expect(await search()).toEqual([intent.id]);
    expect(await stripeError(stripe.paymentIntents.search({ query: 'nonsense' }))).toMatchObject({ param: 'query' });
  });

  it('attaches, lists and detaches payment methods', async () => {
    const { stripe } = await start();
    const customer = await stripe.customers.create();
    const made = await stripe.paymentMethods.create({
      type: 'card',
      card: { number: '4242424242424242', exp_month: 1, exp_year: 2040, cvc: '123' },
    });
    const saved = await stripe.paymentMethods.attach(made.id, { customer: customer.id });
    expect(saved.card).toMatchObject({
      brand: 'visa',
      last4: '4242',
      exp_year: 2040,
      country: 'US',
      funding: 'credit',
    });
    expect((await stripe.paymentMethods.list({ customer: customer.id })).data).toHaveLength(1);
    expect((await stripe.paymentMethods.detach(made.id)).customer).toBeNull();
    expect((await stripe.paymentMethods.list({ customer: customer.id })).data).toHaveLength(0);
    expect((await stripeError(stripe.paymentMethods.attach(made.id, { customer: customer.id }))).message).toContain(
      'may not be used again',
    );
  });
});

it('has a way from every state of a PaymentIntent to an end', () => {
  for (const start of Object.keys(TRANSITIONS) as (keyof typeof TRANSITIONS)[]) {
    const reached = new Set([start]);
    for (const state of reached) for (const next of TRANSITIONS[state]) reached.add(next);
    expect(reached.has('canceled') || reached.has('succeeded')).toBe(true);
  }
});
