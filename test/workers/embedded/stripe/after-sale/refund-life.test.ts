import type Stripe from 'stripe';
import { chargeOfRefund as chargeOf, eventsSince, PAID, pay } from './support';
import { start, stopAll, stripeError } from '../support';

afterEach(stopAll);

const DAY_MS = 86_400_000;

describe('a refund that is not final', () => {
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
      failure_reason: 'expired_or_canceled_card',
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

  it('ends as set: by payment, by customer, by its own metadata, one after the other', async () => {
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

  it('that waits for funds moves no money until it continues', async () => {
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

  it('fails once weeks after its success when the bank returns it', async () => {
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

  it('that waits for the customer can be cancelled by us, and no other refund can', async () => {
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
    expect(again.message).toBe('Canceling this refund is unsupported.');
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
    expect(chargeOf(simulator, refund)).toMatchObject({
      amount_refunded: returned ? 0 : PAID.amount,
      refunded: !returned,
    });
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
