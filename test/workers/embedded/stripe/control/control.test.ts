import { chargeOf, HOLD, start, stopAll, stripeError } from '../support';

afterEach(stopAll);

type Json = Record<string, unknown>;

describe('the control endpoints', () => {
  async function setUp() {
    const started = await start();
    const call = async (method: string, path: string, body?: object): Promise<{ status: number; json: Json }> => {
      const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
      const response = await fetch(`${started.simulator.url}/_simulator${path}`, init);
      return { status: response.status, json: (await response.json()) as Json };
    };
    return { ...started, call };
  }

  it('return the simulator’s address and move its clock', async () => {
    const { simulator, call } = await setUp();
    expect((await call('GET', '/info')).json).toMatchObject({
      url: simulator.url,
      secretKey: simulator.secretKey,
      seed: 7,
    });
    const before = simulator.clock.now();
    await call('POST', '/clock', { advanceByMs: 86_400_000 });
    expect(simulator.clock.now()).toBeGreaterThanOrEqual(before + 86_400_000);
    expect(await call('POST', '/clock', { advanceByMs: -1 })).toMatchObject({ status: 400 });
  });

  it('set faults, list them, release and clear them', async () => {
    const { simulator, stripe, call } = await setUp();
    const { json } = await call('POST', '/faults', {
      match: { method: 'POST' },
      action: { kind: 'rate_limit' },
      times: 0,
    });
    for (let attempt = 0; attempt < 3; attempt += 1)
      expect(await stripeError(stripe.customers.create())).toMatchObject({ statusCode: 429 });
    expect((await call('GET', '/faults')).json).toMatchObject([{ id: json['id'], fired: 3 }]);
    await call('DELETE', `/faults/${String(json['id'])}`);
    await stripe.customers.create();
    const held = String((await call('POST', '/faults', { action: { kind: 'hold', when: 'after' } })).json['id']);
    const pending = stripe.customers.create();
    await simulator.faults.untilHeld(held);
    await call('POST', `/faults/${held}/release`);
    expect((await pending).object).toBe('customer');
    await call('POST', '/rate_limit', { perSecond: 0.001, burst: 1 });
    await stripe.customers.list();
    expect(await stripeError(stripe.customers.list())).toMatchObject({ statusCode: 429 });
    await call('POST', '/rate_limit', {});
    await stripe.customers.list();
  });

  it('decide for the issuer, set holds, authenticate, and show the state', async () => {
    const { stripe, call } = await setUp();
    const customer = await stripe.customers.create();
    await call('POST', '/decisions', { target: customer.id, outcome: 'insufficient_funds', scope: 'all', times: 1 });
    expect(await stripeError(stripe.paymentIntents.create({ ...HOLD, customer: customer.id }))).toMatchObject({
      decline_code: 'insufficient_funds',
    });
    await call('POST', '/holds/next', { durationMs: 60_000, match: { customer: customer.id } });
    const held = await stripe.paymentIntents.create({ ...HOLD, customer: customer.id, expand: ['latest_charge'] });
    const charge = chargeOf(held);
    expect((charge.payment_method_details?.card?.capture_before ?? 0) - charge.created).toBe(60);
    const asked = await stripe.paymentIntents.create({ ...HOLD, payment_method: 'pm_card_authenticationRequired' });
    await call('POST', `/authenticate/${asked.id}`, { result: 'fail' });
    const { json } = await call('GET', '/state');
    expect(json['paymentIntents']).toMatchObject([
      { status: 'requires_payment_method' },
      { id: held.id, status: 'requires_capture' },
      { id: asked.id, status: 'requires_payment_method' },
    ]);
    expect((await call('GET', '/state/charges')).json).toHaveLength(2);
  });

  it('set the webhook endpoint, hold and release webhooks', async () => {
    const { simulator, stripe, call } = await setUp();
    // A port on which nothing listens: delivery is tried, and fails.
    await call('POST', '/webhooks/endpoint', { url: 'http://127.0.0.1:9/' });
    await call('POST', '/webhooks/faults', { hold: true });
    await stripe.customers.create();
    expect(simulator.state.events()).toMatchObject([{ delivery: 'pending' }]);
    await call('POST', '/webhooks/faults', {});
    await call('POST', '/webhooks/release', {});
    await call('POST', '/webhooks/flush');
    expect((await call('GET', '/state/events')).json).toMatchObject([{ delivery: 'failed' }]);
    expect((await call('POST', '/webhooks/redeliver', {})).json).toEqual({ events: 1 });
  });

  it('answer an unknown control with a list of those that exist', async () => {
    const { call } = await setUp();
    const { status, json } = await call('POST', '/nonsense');
    expect(status).toBe(404);
    expect(json['known']).toContain('POST /clock');
  });
});
