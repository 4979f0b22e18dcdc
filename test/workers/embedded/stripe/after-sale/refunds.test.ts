import type Stripe from 'stripe';
import { REFUND_TRANSITIONS } from '../../../../../workers/embedded/stripe/after-sale/refund-life';
import { HOLD, start, stopAll, stripeError } from '../support';
import { chargeOfRefund as chargeOf, deadEnds, eventsSince, pay } from './support';

afterEach(stopAll);

describe('a refund', () => {
  it('refunds what is left by default, and sends four events', async () => {
    const { simulator, stripe } = await start();
    const { intent } = await pay(stripe);
    const events = eventsSince(simulator);
    const refund = await stripe.refunds.create({
      payment_intent: intent.id,
      reason: 'requested_by_customer',
      metadata: { refund_id: 'r-1' },
    });
    expect(refund).toMatchObject({
      object: 'refund',
      amount: 5000,
      currency: 'usd',
      status: 'succeeded',
      payment_intent: intent.id,
      charge: intent.latest_charge,
      reason: 'requested_by_customer',
      metadata: { refund_id: 'r-1' },
      destination_details: { card: { type: 'refund' }, type: 'card' },
    });
    expect(refund).not.toHaveProperty('failure_reason');
    expect(refund).not.toHaveProperty('pending_reason');
    expect(events()).toEqual(['refund.created', 'charge.refunded', 'refund.updated', 'charge.refund.updated']);
    expect(chargeOf(simulator, refund)).toMatchObject({ amount_refunded: 5000, refunded: true });
    const snapshot = simulator.state.events().find(({ type }) => type === 'charge.refunded')?.object;
    expect(snapshot).toMatchObject({ object: 'charge', amount_refunded: 5000 });
  });

  it('is one of several, by amount, until nothing is left', async () => {
    const { simulator, stripe } = await start();
    const { intent } = await pay(stripe, { amount: 5000 });
    const charge = String(intent.latest_charge);
    const first = await stripe.refunds.create({ charge, amount: 2000 });
    expect(chargeOf(simulator, first)).toMatchObject({ amount_refunded: 2000, refunded: false });
    expect(await stripeError(stripe.refunds.create({ charge, amount: 3001 }))).toMatchObject({
      type: 'StripeInvalidRequestError',
      statusCode: 400,
      code: undefined,
      param: 'amount',
      message: 'Refund amount ($30.01) is greater than unrefunded amount on charge ($30.00)',
    });
    const second = await stripe.refunds.create({ payment_intent: intent.id, charge });
    expect(second.amount).toBe(3000);
    for (const params of [{ charge }, { charge, amount: 1 }])
      expect(await stripeError(stripe.refunds.create(params))).toMatchObject({
        statusCode: 400,
        code: 'charge_already_refunded',
        message: `Charge ${charge} has already been refunded.`,
      });
    expect((await stripe.refunds.list({ charge })).data.map(({ id }) => id)).toEqual([second.id, first.id]);
    expect((await stripe.refunds.list({ payment_intent: intent.id, limit: 1 })).has_more).toBe(true);
    expect((await stripe.refunds.list({ created: { gt: second.created } })).data).toEqual([]);
    const expanded = await stripe.charges.retrieve(charge, { expand: ['refunds.data.balance_transaction'] });
    expect(expanded.refunds?.data).toMatchObject([
      { id: second.id, balance_transaction: { amount: -3000, type: 'refund' } },
      { id: first.id },
    ]);
  });

  it('is limited by what was captured, not by what was held', async () => {
    const { stripe } = await start();
    const held = await stripe.paymentIntents.create(HOLD);
    await stripe.paymentIntents.capture(held.id, { amount_to_capture: 1500 });
    expect(await stripeError(stripe.refunds.create({ payment_intent: held.id, amount: 1501 }))).toMatchObject({
      param: 'amount',
    });
    expect((await stripe.refunds.create({ payment_intent: held.id })).amount).toBe(1500);
  });

  it('can carry the code that Stripe lists for too large an amount', async () => {
    const { stripe } = await start({ overRefundCode: 'amount_too_large' });
    const { intent } = await pay(stripe);
    expect(await stripeError(stripe.refunds.create({ payment_intent: intent.id, amount: 5001 }))).toMatchObject({
      code: 'amount_too_large',
    });
  });

  it.each<[string, object, object]>([
    ['nothing named', {}, { code: 'parameter_missing', param: 'payment_intent' }],
    ['an unknown payment', { payment_intent: 'pi_none' }, { code: 'resource_missing', param: 'payment_intent' }],
    ['an unknown charge', { charge: 'ch_none' }, { code: 'resource_missing', param: 'charge' }],
    ['nothing of it', { amount: 0 }, { code: 'parameter_invalid_integer', param: 'amount' }],
    ['less than nothing', { amount: -1 }, { code: 'parameter_invalid_integer', param: 'amount' }],
    ['a reason of its own', { reason: 'mood' }, { param: 'reason' }],
    ['a parameter of its own', { colour: 'red' }, { code: 'parameter_unknown', param: 'colour' }],
    ['another currency', { currency: 'eur' }, { param: 'currency' }],
    ['expanded nonsense', { expand: ['nonsense'] }, { param: 'expand' }],
  ])('is refused: %s', async (_name, params, error) => {
    const { simulator, stripe } = await start();
    const { intent } = await pay(stripe);
    const named = 'amount' in params || 'reason' in params || 'colour' in params || 'expand' in params;
    const body = { ...(named || 'currency' in params ? { payment_intent: intent.id } : {}), ...params };
    const failed = await stripeError(stripe.refunds.create(body as Stripe.RefundCreateParams));
    expect(failed).toMatchObject({ type: 'StripeInvalidRequestError', statusCode: 400, ...error });
    expect(simulator.state.refunds()).toEqual([]);
  });

  it('is refused when nothing was captured, and answers 404 when it does not exist', async () => {
    const { stripe } = await start();
    const held = await stripe.paymentIntents.create(HOLD);
    const message = `This PaymentIntent (${held.id}) does not have a successful charge to refund.`;
    expect(await stripeError(stripe.refunds.create({ payment_intent: held.id }))).toMatchObject({
      statusCode: 400,
      message,
    });
    expect(await stripeError(stripe.refunds.create({ charge: String(held.latest_charge) }))).toMatchObject({ message });
    await stripe.paymentIntents.cancel(held.id);
    expect(await stripeError(stripe.refunds.create({ payment_intent: held.id }))).toMatchObject({ message });
    expect(await stripeError(stripe.refunds.retrieve('re_none'))).toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
      param: 'refund',
    });
  });

  it('is subject to the same faults as every request', async () => {
    const { simulator, stripe } = await start();
    const { charge } = await pay(stripe);
    const match = { pathPattern: '^/v1/(refunds|disputes)' };
    simulator.faults.add({ match, action: { kind: 'rate_limit' } });
    simulator.faults.add({ match, action: { kind: 'lock_timeout' } });
    expect(await stripeError(stripe.refunds.create({ charge }))).toMatchObject({ statusCode: 429, code: 'rate_limit' });
    expect(await stripeError(stripe.disputes.list())).toMatchObject({ statusCode: 429, code: 'lock_timeout' });
    // Twice: after a reset the SDK tries once more by itself, under the same key.
    simulator.faults.add({ match, action: { kind: 'reset', when: 'after' }, times: 2 });
    const key = { idempotencyKey: 'lost' };
    expect(await stripeError(stripe.refunds.create({ charge }, key))).toMatchObject({ type: 'StripeConnectionError' });
    expect(simulator.state.refunds()).toHaveLength(1);
    expect((await stripe.refunds.create({ charge }, key)).id).toBe(simulator.state.refunds()[0]?.id);
  });

  it('changes its metadata, and nothing else', async () => {
    const { simulator, stripe } = await start();
    const { intent } = await pay(stripe);
    const refund = await stripe.refunds.create({ payment_intent: intent.id, metadata: { a: '1', b: '2' } });
    const events = eventsSince(simulator);
    const updated = await stripe.refunds.update(refund.id, { metadata: { b: '', c: '3' } });
    expect(updated.metadata).toEqual({ a: '1', c: '3' });
    expect(events()).toEqual(['refund.updated', 'charge.refund.updated']);
    const other = { amount: 1 } as Stripe.RefundUpdateParams;
    expect(await stripeError(stripe.refunds.update(refund.id, other))).toMatchObject({ code: 'parameter_unknown' });
  });

  it('is replayed under its key, and made once even if its answer was lost', async () => {
    const { simulator, stripe } = await start();
    const { intent } = await pay(stripe);
    const params = { payment_intent: intent.id, amount: 1000 };
    simulator.faults.add({
      match: { pathPattern: '^/v1/refunds$' },
      action: { kind: 'server_error', when: 'after' },
    });
    const key = { idempotencyKey: 'refund-1' };
    expect(await stripeError(stripe.refunds.create(params, key))).toMatchObject({ statusCode: 500 });
    expect(await stripeError(stripe.refunds.create(params, key))).toMatchObject({ statusCode: 500 });
    expect((await stripe.refunds.create(params, { idempotencyKey: 'refund-2' })).amount).toBe(1000);
    expect(simulator.state.refunds()).toHaveLength(2);
    const conflict = stripe.refunds.create({ ...params, amount: 999 }, { idempotencyKey: 'refund-2' });
    expect(await stripeError(conflict)).toMatchObject({ type: 'StripeIdempotencyError' });
  });

  it('can reach an end from every state, and may fail after its success', () => {
    expect(deadEnds(REFUND_TRANSITIONS)).toEqual(['failed', 'canceled']);
    expect(REFUND_TRANSITIONS.succeeded).toEqual(['failed']);
  });
});
