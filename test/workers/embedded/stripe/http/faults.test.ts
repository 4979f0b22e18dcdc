import Stripe from 'stripe';
import type { FaultAction } from '../../../../../workers/embedded/stripe/server';
import { HOLD, start, stopAll, stripeError } from '../support';

afterEach(stopAll);

describe('answers that refuse', () => {
  it.each<[string, FaultAction, object, object]>([
    ['a plain 429', { kind: 'rate_limit' }, { statusCode: 429, code: 'rate_limit' }, {}],
    [
      'a 429 that may be retried',
      { kind: 'rate_limit', shouldRetry: true, retryAfterSeconds: 3 },
      { statusCode: 429 },
      { 'stripe-should-retry': 'true', 'retry-after': '3' },
    ],
    ['a lock time-out', { kind: 'lock_timeout' }, { statusCode: 429, code: 'lock_timeout' }, {}],
    [
      'a 500 before',
      { kind: 'server_error', when: 'before', shouldRetry: true },
      { statusCode: 500, type: 'StripeAPIError' },
      { 'stripe-should-retry': 'true' },
    ],
    [
      'a 503 before',
      { kind: 'server_error', when: 'before', status: 503 },
      { statusCode: 503, type: 'StripeAPIError' },
      {},
    ],
  ])('%s changes nothing, keeps no key, and comes once', async (_name, action, error, headers) => {
    const { simulator, stripe } = await start();
    simulator.faults.add({ match: { method: 'POST', pathPattern: '/payment_intents$' }, action });
    const failed = await stripeError(stripe.paymentIntents.create(HOLD, { idempotencyKey: 'k1' }));
    expect(failed).toMatchObject(error);
    expect(failed.headers).toMatchObject(headers);
    expect(failed.requestId).toMatch(/^req_/);
    expect(simulator.state.paymentIntents()).toHaveLength(0);
    expect((await stripe.paymentIntents.create(HOLD, { idempotencyKey: 'k1' })).status).toBe('requires_capture');
  });

  it('a 500 during execution burns the key without any effect', async () => {
    const { simulator, stripe } = await start();
    simulator.faults.add({ action: { kind: 'server_error', when: 'during', shouldRetry: false } });
    const create = (key: string): Promise<unknown> => stripe.paymentIntents.create(HOLD, { idempotencyKey: key });
    expect((await stripeError(create('k1'))).headers).toMatchObject({ 'stripe-should-retry': 'false' });
    expect(await stripeError(create('k1'))).toMatchObject({ statusCode: 500 });
    expect(simulator.state.paymentIntents()).toHaveLength(0);
    await create('k2');
    expect(simulator.state.paymentIntents()).toHaveLength(1);
  });

  it('a 500 after the commit leaves the hold, and the key replays the 500', async () => {
    const { simulator, stripe } = await start();
    simulator.faults.add({ action: { kind: 'server_error', when: 'after' } });
    const create = (): Promise<unknown> => stripe.paymentIntents.create(HOLD, { idempotencyKey: 'k1' });
    for (let attempt = 0; attempt < 2; attempt += 1)
      expect(await stripeError(create())).toMatchObject({ statusCode: 500 });
    expect(simulator.state.paymentIntents()).toMatchObject([{ status: 'requires_capture' }]);
  });

  it('a rate limit over the account, off by default', async () => {
    const { simulator, stripe } = await start();
    // So slow that no token comes back within the test.
    simulator.faults.setRateLimit({ perSecond: 0.001, burst: 2 });
    await stripe.customers.list();
    await stripe.customers.list();
    expect(await stripeError(stripe.customers.list())).toMatchObject({ statusCode: 429, type: 'StripeRateLimitError' });
    simulator.faults.setRateLimit(undefined);
    await stripe.customers.list();
  });

  it('a rate limit over each endpoint: the method with the path, whatever the id', async () => {
    const { simulator, stripe } = await start();
    const customer = await stripe.customers.create();
    simulator.faults.setRateLimit({ perSecond: 0.001, burst: 4, perEndpoint: { perSecond: 0.001, burst: 1 } });
    await stripe.customers.list();
    await stripe.customers.retrieve(customer.id);
    const reasonOf = async (call: Promise<unknown>): Promise<string | undefined> =>
      (await stripeError(call)).headers?.['stripe-rate-limited-reason'];
    expect(await reasonOf(stripe.customers.retrieve('cus_another'))).toBe('endpoint-rate');
    await stripe.customers.create();
    await stripe.events.list();
    expect(await reasonOf(stripe.charges.list())).toBe('global-rate');
    expect(simulator.faults.rateLimitTally).toEqual({ allowed: 4, refused: 2 });
  });
});

describe('connections that break', () => {
  // The SDK itself repeats a request once after a reset, so each of these takes two faults to be seen.
  it('before the commit: nothing happened', async () => {
    const { simulator, stripe } = await start();
    simulator.faults.add({ action: { kind: 'reset', when: 'before' }, times: 2 });
    const failed = await stripeError(stripe.paymentIntents.create(HOLD, { idempotencyKey: 'k1' }));
    expect(failed).toBeInstanceOf(Stripe.errors.StripeConnectionError);
    expect(simulator.state.requests().map(({ status }) => status)).toEqual([0, 0]);
    expect(simulator.state.paymentIntents()).toHaveLength(0);
  });

  it('after the commit: the hold is there, and the same key answers with it', async () => {
    const { simulator, stripe } = await start();
    simulator.faults.add({ action: { kind: 'reset', when: 'after' }, times: 2 });
    const failed = await stripeError(stripe.paymentIntents.create(HOLD, { idempotencyKey: 'k1' }));
    expect(failed).toBeInstanceOf(Stripe.errors.StripeConnectionError);
    const [held] = simulator.state.paymentIntents();
    expect((await stripe.paymentIntents.create(HOLD, { idempotencyKey: 'k1' })).id).toBe(held?.id);
    expect(simulator.state.charges()).toHaveLength(1);
  });
});

describe('answers that are late', () => {
  it.each([
    ['before', 0],
    ['after', 1],
  ] as const)('an answer is held %s the commit', async (when, intentsMeanwhile) => {
    const { simulator, stripe } = await start();
    const fault = simulator.faults.add({ action: { kind: 'hold', when } });
    const pending = stripe.paymentIntents.create(HOLD);
    await simulator.faults.untilHeld(fault);
    expect(simulator.state.paymentIntents()).toHaveLength(intentsMeanwhile);
    simulator.faults.release(fault);
    expect((await pending).status).toBe('requires_capture');
  });

  it('lands after the client gave up', async () => {
    const { simulator, stripe } = await start();
    const fault = simulator.faults.add({ action: { kind: 'hold', when: 'before' }, match: { method: 'POST' } });
    const abandoned = stripeError(stripe.paymentIntents.create(HOLD, { timeout: 30 }));
    await simulator.faults.untilHeld(fault);
    expect(await abandoned).toBeInstanceOf(Stripe.errors.StripeConnectionError);
    const landed = new Promise<void>((resolve) => simulator.onEvent(() => resolve()));
    simulator.faults.release(fault);
    await landed;
    expect(simulator.state.paymentIntents()).toHaveLength(1);
  });

  it('delayed by real time', async () => {
    const { simulator, stripe } = await start();
    simulator.faults.add({ action: { kind: 'delay', when: 'after', delayMs: 30 } });
    const startedMs = performance.now();
    await stripe.customers.create();
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(29);
  });
});

describe('the request that a fault meets', () => {
  it('is chosen by method, path, key and position', async () => {
    const { simulator, stripe } = await start();
    simulator.faults.add({
      match: { method: 'POST', pathPattern: '^/v1/customers$', idempotencyKeyPattern: '^hit', nth: 2 },
      action: { kind: 'rate_limit' },
    });
    await stripe.customers.list();
    await stripe.customers.create({}, { idempotencyKey: 'miss-1' });
    await stripe.customers.create({}, { idempotencyKey: 'hit-1' });
    expect(await stripeError(stripe.customers.create({}, { idempotencyKey: 'hit-2' }))).toMatchObject({
      statusCode: 429,
    });
    await stripe.customers.create({}, { idempotencyKey: 'hit-3' });
    expect(simulator.faults.list()).toMatchObject([{ fired: 1, remaining: 0 }]);
  });

  it('refuses an invalid pattern', async () => {
    const { simulator } = await start();
    expect(() => simulator.faults.add({ match: { pathPattern: '(' }, action: { kind: 'rate_limit' } })).toThrow(
      SyntaxError,
    );
  });
});
