import type Stripe from 'stripe';
import { REFUND_TRANSITIONS } from '../../../../workers/embedded/stripe/refund-life';
import type { StripeSimulator } from '../../../../workers/embedded/stripe/server';
import { HOLD, start, stopAll, stripeError } from './support';
import { deadEnds, eventsSince, PAID, pay } from './money-support';

afterEach(stopAll);

const DAY_MS = 86_400_000;
const chargeOf = (simulator: StripeSimulator, refund: Stripe.Refund) =>
  simulator.state.charges().find(({ id }) => id === refund.charge);

describe('a refund', () => {
  it('takes what is left by default, and tells it with four events', async () => {
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

  it('is of what was captured, not of what was held', async () => {
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

  it('is refused where nothing was captured, and answers 404 where there is none', async () => {
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
    });
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

  it('is replayed under its key, and made once although its answer was lost', async () => {
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

  it('comes to an end from every state, and may fail after its success', () => {
    expect(deadEnds(REFUND_TRANSITIONS)).toEqual(['failed', 'canceled']);
    expect(REFUND_TRANSITIONS.succeeded).toEqual(['failed']);
  });
});

describe('a refund that is not through', () => {
  it('of 4000000000007726 is pending, then succeeds', async () => {
    const { simulator, stripe } = await start();
    const { intent } = await pay(stripe, { payment_method: 'pm_card_pendingRefund' });
    const events = eventsSince(simulator);
    const refund = await stripe.refunds.create({ payment_intent: intent.id });
    expect(refund).toMatchObject({
      status: 'pending',
      pending_reason: 'processing',
      destination_details: { card: { type: 'pending' } },
    });
    expect(chargeOf(simulator, refund)).toMatchObject({ amount_refunded: 5000, refunded: true });
    expect(events()).toEqual(['refund.created', 'charge.refunded']);
    simulator.clock.advanceBy(4_900);
    expect((await stripe.refunds.retrieve(refund.id)).status).toBe('pending');
    simulator.clock.advanceBy(200);
    const done = await stripe.refunds.retrieve(refund.id);
    expect(done.status).toBe('succeeded');
    expect(done).not.toHaveProperty('pending_reason');
    expect(events()).toEqual(['refund.created', 'charge.refunded', 'refund.updated', 'charge.refund.updated']);
  });

  it('of 4000000000005126 succeeds, then fails without refund.updated', async () => {
    const { simulator, stripe } = await start();
    const { intent } = await pay(stripe, { payment_method: 'pm_card_refundFail' });
    const events = eventsSince(simulator);
    const refund = await stripe.refunds.create({ payment_intent: intent.id, amount: 2000 });
    expect(refund.status).toBe('succeeded');
    simulator.clock.advanceBy(5_000);
    const failed = await stripe.refunds.retrieve(refund.id, { expand: ['failure_balance_transaction'] });
    expect(failed).toMatchObject({
      status: 'failed',
      failure_reason: 'unknown',
      failure_balance_transaction: { type: 'refund_failure', amount: 2000, source: refund.id },
    });
    expect(events()).toEqual([
      'refund.created',
      'charge.refunded',
      'refund.updated',
      'charge.refund.updated',
      'refund.failed',
      'charge.refund.updated',
    ]);
    expect(chargeOf(simulator, refund)).toMatchObject({ amount_refunded: 0, refunded: false });
    expect((await stripe.refunds.create({ payment_intent: intent.id })).amount).toBe(5000);
  });

  it('ends as it is told: by payment, by customer, by its own metadata, one after the other', async () => {
    const { simulator, stripe } = await start();
    const customer = await stripe.customers.create();
    const { intent } = await pay(stripe, { customer: customer.id });
    const other = await pay(stripe);
    simulator.setNextRefund({ kind: 'pending', then: 'stay' }, { match: { paymentIntent: intent.id } });
    simulator.setNextRefund(
      { kind: 'pending', then: 'fail', failureReason: 'lost_or_stolen_card', afterMs: 1_000 },
      {
        match: { customer: customer.id },
      },
    );
    simulator.setNextRefund(
      { kind: 'fail_after', afterMs: DAY_MS },
      { match: { metadata: { refund: 'c' } }, times: 2 },
    );
    const refund = (params: Stripe.RefundCreateParams): Promise<Stripe.Refund> =>
      stripe.refunds.create({ amount: 100, ...params });
    const unmatched = await refund({ payment_intent: other.intent.id });
    const stays = await refund({ payment_intent: intent.id });
    const fails = await refund({ payment_intent: intent.id });
    const later = await refund({ payment_intent: other.intent.id, metadata: { refund: 'c' } });
    const ordinary = await refund({ payment_intent: intent.id });
    expect([unmatched, stays, fails, later, ordinary].map(({ status }) => status)).toEqual([
      'succeeded',
      'pending',
      'pending',
      'succeeded',
      'succeeded',
    ]);
    simulator.clock.advanceBy(60 * DAY_MS);
    expect((await stripe.refunds.retrieve(stays.id)).status).toBe('pending');
    expect(await stripe.refunds.retrieve(fails.id)).toMatchObject({
      status: 'failed',
      failure_reason: 'lost_or_stolen_card',
    });
    expect((await stripe.refunds.retrieve(later.id)).status).toBe('failed');
    expect((await stripe.refunds.retrieve(ordinary.id)).status).toBe('succeeded');
  });

  it('that waits for money moves none until it goes on', async () => {
    const { simulator, stripe } = await start();
    const { intent } = await pay(stripe);
    simulator.setNextRefund({ kind: 'pending', pendingReason: 'insufficient_funds', then: 'stay' }, { times: 2 });
    const waits = await stripe.refunds.create({ payment_intent: intent.id, amount: 100 });
    const gone = await stripe.refunds.create({ payment_intent: intent.id, amount: 200 });
    expect(waits).toMatchObject({ pending_reason: 'insufficient_funds', balance_transaction: null });
    expect(simulator.settleRefund(waits.id, 'succeeded').balance_transaction).toMatch(/^txn_/);
    const failed = simulator.settleRefund(gone.id, 'failed', 'insufficient_funds');
    expect(failed).toMatchObject({ status: 'failed', balance_transaction: null });
    expect(failed).not.toHaveProperty('failure_balance_transaction');
  });

  it('fails weeks after its success where the bank says so, once', async () => {
    const { simulator, stripe } = await start();
    const { intent } = await pay(stripe);
    const refund = await stripe.refunds.create({ payment_intent: intent.id });
    simulator.clock.advanceBy(50 * DAY_MS);
    const events = eventsSince(simulator);
    expect(simulator.settleRefund(refund.id, 'failed', 'expired_or_canceled_card')).toMatchObject({
      status: 'failed',
      failure_reason: 'expired_or_canceled_card',
    });
    expect(events()).toEqual(['refund.failed', 'charge.refund.updated']);
    expect(() => simulator.settleRefund(refund.id, 'failed')).toThrow('cannot go from failed to failed');
    expect(() => simulator.settleRefund('re_none', 'failed')).toThrow('No such refund');
  });

  it('that waits for the customer can be cancelled, by us and by nobody else', async () => {
    const { simulator, stripe } = await start();
    const { intent } = await pay(stripe);
    simulator.setNextRefund({ kind: 'requires_action' });
    const asked = await stripe.refunds.create({ payment_intent: intent.id, instructions_email: 'buyer@example.com' });
    expect(asked).toMatchObject({
      status: 'requires_action',
      next_action: {
        type: 'display_details',
        display_details: {
          email_sent: { email_sent_to: 'buyer@example.com' },
          expires_at: asked.created + 45 * 86_400,
        },
      },
    });
    const events = eventsSince(simulator);
    const canceled = await stripe.refunds.cancel(asked.id);
    expect(canceled.status).toBe('canceled');
    expect(canceled.failure_balance_transaction).toMatch(/^txn_/);
    expect(canceled).not.toHaveProperty('next_action');
    expect(events()).toEqual(['refund.updated', 'charge.refund.updated']);
    const again = await stripeError(stripe.refunds.cancel(asked.id));
    expect(again).toMatchObject({ statusCode: 400, type: 'StripeInvalidRequestError' });
    expect(again.message).toContain('status of canceled');
    const next = await stripe.refunds.create({ payment_intent: intent.id });
    expect(await stripeError(stripe.refunds.cancel(next.id))).toMatchObject({ statusCode: 400 });
    simulator.clock.advanceBy(60 * DAY_MS);
    expect((await stripe.refunds.retrieve(asked.id)).status).toBe('canceled');
  });

  it.each([
    [{ kind: 'requires_action', then: 'succeed' } as const, 'succeeded'],
    [{ kind: 'requires_action', then: 'cancel' } as const, 'canceled'],
    [{ kind: 'requires_action' } as const, 'failed'],
    [{ kind: 'canceled' } as const, 'canceled'],
    [{ kind: 'requires_action', then: 'stay' } as const, 'requires_action'],
  ])('%j ends %s', async (outcome, status) => {
    const { simulator, stripe } = await start();
    const { intent } = await pay(stripe);
    simulator.setNextRefund(outcome);
    const refund = await stripe.refunds.create({ payment_intent: intent.id });
    simulator.clock.advanceBy(46 * DAY_MS);
    expect((await stripe.refunds.retrieve(refund.id)).status).toBe(status);
    const returned = status === 'canceled' || status === 'failed';
    expect(chargeOf(simulator, refund)?.amount_refunded).toBe(returned ? 0 : PAID.amount);
    if (status !== 'requires_action') return;
    expect((await stripe.testHelpers.refunds.expire(refund.id)).status).toBe('failed');
    expect(await stripeError(stripe.testHelpers.refunds.expire(refund.id))).toMatchObject({ statusCode: 400 });
  });

  it('has no other outcomes', async () => {
    const { simulator } = await start();
    expect(() => simulator.setNextRefund({ kind: 'lost' } as never)).toThrow(RangeError);
    expect(() => simulator.setNextRefund({ kind: 'pending', afterMs: -1 })).toThrow(RangeError);
  });
});
