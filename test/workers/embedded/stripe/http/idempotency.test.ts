import { HOLD, start, stopAll, stripeError } from '../support';

afterEach(stopAll);

const CREATE = { amount: 5000, currency: 'usd' };

describe('the idempotency store', () => {
  it('replays the first answer and marks it as replayed', async () => {
    const { simulator, stripe } = await start();
    const first = await stripe.paymentIntents.create(HOLD, { idempotencyKey: 'k1' });
    const second = await stripe.paymentIntents.create(HOLD, { idempotencyKey: 'k1' });
    expect(second.id).toBe(first.id);
    expect(second.lastResponse.headers).toMatchObject({
      'idempotent-replayed': 'true',
      'idempotency-key': 'k1',
      'original-request': first.lastResponse.requestId,
    });
    expect(first.lastResponse.headers['idempotent-replayed']).toBeUndefined();
    expect(simulator.state.paymentIntents()).toHaveLength(1);
    expect(simulator.state.requests().map(({ replayed }) => replayed)).toEqual([false, true]);
  });

  it('replays a decline without asking the issuer again', async () => {
    const { simulator, stripe } = await start();
    const decline = (): Promise<unknown> =>
      stripe.paymentIntents.create(
        { ...HOLD, payment_method: 'pm_card_visa_chargeDeclined' },
        { idempotencyKey: 'k1' },
      );
    const first = await stripeError(decline());
    const second = await stripeError(decline());
    expect(second.charge).toBe(first.charge);
    expect(simulator.state.charges()).toHaveLength(1);
  });

  it('replays a refusal that came while the request ran', async () => {
    const { stripe } = await start();
    const held = await stripe.paymentIntents.create(HOLD);
    const tooMuch = (): Promise<unknown> =>
      stripe.paymentIntents.capture(held.id, { amount_to_capture: 9000 }, { idempotencyKey: 'k1' });
    expect(await stripeError(tooMuch())).toMatchObject({ code: 'amount_too_large' });
    expect((await stripeError(tooMuch())).headers).toMatchObject({ 'idempotent-replayed': 'true' });
  });

  it('does not keep a request that failed validation', async () => {
    const { stripe } = await start();
    await stripeError(stripe.paymentIntents.create({ ...CREATE, amount: -1 }, { idempotencyKey: 'k1' }));
    expect((await stripe.paymentIntents.create(CREATE, { idempotencyKey: 'k1' })).object).toBe('payment_intent');
  });

  it('refuses a key with other parameters, and on another path', async () => {
    const { simulator, stripe } = await start();
    const created = await stripe.paymentIntents.create(CREATE, { idempotencyKey: 'k1' });
    const other = await stripeError(
      stripe.paymentIntents.create({ ...CREATE, amount: 6000 }, { idempotencyKey: 'k1' }),
    );
    expect(other).toMatchObject({ type: 'StripeIdempotencyError', statusCode: 400, rawType: 'idempotency_error' });
    const elsewhere = await stripeError(stripe.paymentIntents.cancel(created.id, {}, { idempotencyKey: 'k1' }));
    expect(elsewhere.message).toContain('same endpoint');
    expect(simulator.state.paymentIntents()).toHaveLength(1);
  });

  it('answers 409 while the first request is in flight, and replays it afterwards', async () => {
    const { simulator, stripe } = await start();
    const hold = simulator.faults.add({ action: { kind: 'hold', when: 'before' } });
    const first = stripe.paymentIntents.create(HOLD, { idempotencyKey: 'k1' });
    await simulator.faults.untilHeld(hold);
    const conflict = await stripeError(stripe.paymentIntents.create(HOLD, { idempotencyKey: 'k1' }));
    expect(conflict).toMatchObject({
      type: 'StripeAPIError',
      statusCode: 409,
      rawType: 'idempotency_error',
      code: 'idempotency_key_in_use',
    });
    simulator.faults.release(hold);
    const { id } = await first;
    expect((await stripe.paymentIntents.create(HOLD, { idempotencyKey: 'k1' })).id).toBe(id);
    expect(simulator.state.paymentIntents()).toHaveLength(1);
  });

  it('makes one hold of twenty requests with one key at once', async () => {
    const { simulator, stripe } = await start();
    const all = await Promise.allSettled(
      Array.from({ length: 20 }, () => stripe.paymentIntents.create(HOLD, { idempotencyKey: 'k1' })),
    );
    expect(all.some(({ status }) => status === 'fulfilled')).toBe(true);
    expect(simulator.state.paymentIntents()).toHaveLength(1);
    expect(simulator.state.charges()).toHaveLength(1);
  });

  it('forgets a key after 24 hours of its clock, not before', async () => {
    const { simulator, stripe } = await start();
    const create = async (): Promise<string> =>
      (await stripe.paymentIntents.create(CREATE, { idempotencyKey: 'k1' })).id;
    const first = await create();
    simulator.clock.advanceBy(23 * 3_600_000);
    expect(await create()).toBe(first);
    simulator.clock.advanceBy(3_600_001);
    expect(await create()).not.toBe(first);
  });

  it('keeps no more keys than its limit', async () => {
    const { simulator, stripe } = await start({ limits: { idempotencyEntries: 3 } });
    for (let index = 0; index < 6; index += 1) await stripe.customers.create();
    expect(simulator.state.idempotencyEntries()).toHaveLength(3);
  });

  it('refuses a key of more than 255 characters', async () => {
    const { stripe } = await start();
    expect(await stripeError(stripe.customers.create({}, { idempotencyKey: 'k'.repeat(256) }))).toMatchObject({
      statusCode: 400,
    });
  });
});
