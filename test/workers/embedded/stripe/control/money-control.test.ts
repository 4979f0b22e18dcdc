import { pay } from '../after-sale/support';
import { start, stopAll } from '../support';

afterEach(stopAll);

type Json = Record<string, unknown>;

describe('the control endpoints of refunds and disputes', () => {
  async function setUp() {
    const started = await start();
    const call = async (method: string, path: string, body?: object): Promise<{ status: number; json: Json }> => {
      const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
      const response = await fetch(`${started.simulator.url}/_simulator${path}`, init);
      return { status: response.status, json: (await response.json()) as Json };
    };
    return { ...started, call, ...(await pay(started.stripe)) };
  }

  it('decide on refunds', async () => {
    const { stripe, call, charge, intent } = await setUp();
    const outcome = { kind: 'pending', then: 'stay' };
    expect(
      await call('POST', '/refunds/next', { outcome, match: { paymentIntent: intent.id }, times: 2 }),
    ).toMatchObject({ status: 200, json: {} });
    const first = await stripe.refunds.create({ charge, amount: 100 });
    const second = await stripe.refunds.create({ charge, amount: 200 });
    expect([first.status, second.status]).toEqual(['pending', 'pending']);
    expect((await call('POST', `/refunds/${first.id}/settle`, { to: 'succeeded' })).json).toMatchObject({
      id: first.id,
      status: 'succeeded',
    });
    const failed = await call('POST', `/refunds/${first.id}/settle`, { to: 'failed', failureReason: 'declined' });
    expect(failed.json).toMatchObject({ status: 'failed', failure_reason: 'declined' });
    expect(await call('POST', `/refunds/${first.id}/settle`, { to: 'failed' })).toMatchObject({ status: 400 });
    expect(await call('POST', '/refunds/next', { outcome: { kind: 'lost' } })).toMatchObject({ status: 400 });
    expect((await call('GET', '/state/refunds')).json).toMatchObject([{ status: 'failed' }, { status: 'pending' }]);
  });

  it('open disputes, decide and escalate them, and issue fraud warnings', async () => {
    const { stripe, call, charge } = await setUp();
    expect((await call('POST', '/fraud_warnings', { charge })).json).toMatchObject({ charge, actionable: true });
    const { json } = await call('POST', '/disputes', { charge, kind: 'inquiry', amount: 700, dueInMs: 60_000 });
    expect(json).toMatchObject({ amount: 700, status: 'warning_needs_response' });
    const id = String(json['id']);
    expect((await call('POST', `/disputes/${id}/escalate`, {})).json).toMatchObject({ status: 'needs_response' });
    const decided = await call('POST', `/disputes/${id}/decide`, { outcome: 'won', when: 'after_review' });
    expect(decided.json).toMatchObject({ status: 'needs_response' });
    await stripe.disputes.update(id, { evidence: { customer_name: 'Sample' } });
    await call('POST', '/clock', { advanceByMs: 5_000 });
    expect((await call('GET', '/state/disputes')).json).toMatchObject([{ id, status: 'won' }]);
    expect((await call('GET', '/state/early_fraud_warnings')).json).toMatchObject([{ actionable: false }]);
    expect(await call('POST', `/disputes/${id}/decide`, { outcome: 'lost' })).toMatchObject({ status: 400 });
    expect(await call('POST', '/disputes/du_x/escalate')).toMatchObject({ status: 400 });
  });

  it('move the balance, and make payments in the dashboard', async () => {
    const { call } = await setUp();
    expect((await call('POST', '/balance_transactions', { amount: -5, currency: 'eur' })).json).toMatchObject({
      net: -5,
      type: 'adjustment',
    });
    expect((await call('POST', '/dashboard_payments', { amount: 700, currency: 'eur' })).json).toMatchObject({
      status: 'succeeded',
      metadata: {},
    });
    expect((await call('GET', '/state/balance_transactions')).json).toHaveLength(3);
    const { json } = await call('GET', '/state');
    for (const name of ['refunds', 'disputes', 'balanceTransactions', 'earlyFraudWarnings'])
      expect(Array.isArray(json[name])).toBe(true);
    expect(await call('GET', '/state/nonsense')).toMatchObject({ status: 400 });
  });
});
