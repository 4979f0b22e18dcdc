import type Stripe from 'stripe';
import { DISPUTE_TRANSITIONS } from '../../../../../workers/embedded/stripe/after-sale/dispute-states';
import { balanceOf, deadEnds, disputed, pay } from './support';
import { HOLD, start, stopAll, stripeError } from '../support';

afterEach(stopAll);

const DAY_MS = 86_400_000;

describe('a dispute', () => {
  it.each([
    ['pm_card_createDispute', '4000000000000259', 'fraudulent'],
    ['pm_card_createDisputeProductNotReceived', '4000000000002685', 'product_not_received'],
  ])('of %s withdraws the money and the fee', async (card, number, reason) => {
    const { stripe, simulator, dispute, charge, intent, events } = await disputed(card);
    expect(dispute).toMatchObject({
      object: 'dispute',
      amount: 5000,
      charge,
      payment_intent: intent.id,
      reason,
      status: 'needs_response',
      is_charge_refundable: false,
      evidence: { uncategorized_text: null, receipt: null },
      evidence_details: {
        due_by: dispute.created + 7 * 86_400,
        has_evidence: false,
        past_due: false,
        submission_count: 0,
      },
      payment_method_details: { type: 'card', card: { brand: 'visa', case_type: 'chargeback' } },
      balance_transactions: [
        { amount: -5000, fee: 2000, net: -7000, type: 'adjustment', reporting_category: 'dispute', source: dispute.id },
      ],
    });
    expect(dispute.id).toMatch(/^du_/);
    expect(events()).toEqual(['charge.dispute.created', 'charge.dispute.funds_withdrawn']);
    expect((await stripe.charges.retrieve(charge)).disputed).toBe(true);
    const { id } = await stripe.paymentMethods.create({
      type: 'card',
      card: { number, exp_month: 1, exp_year: 2099 } as Stripe.PaymentMethodCreateParams.Card,
    });
    const again = await pay(stripe, { payment_method: id });
    simulator.clock.advanceBy(1_000);
    expect((await stripe.disputes.list({ charge: again.charge })).data).toMatchObject([{ reason }]);
  });

  it('is opened after the capture, not after the hold, over the captured amount', async () => {
    const { simulator, stripe } = await start({ disputeDelayMs: 60_000 });
    const held = await stripe.paymentIntents.create({ ...HOLD, payment_method: 'pm_card_createDispute' });
    simulator.clock.advanceBy(DAY_MS);
    expect(simulator.state.disputes()).toEqual([]);
    await stripe.paymentIntents.capture(held.id, { amount_to_capture: 1500 });
    simulator.clock.advanceBy(59_000);
    expect(simulator.state.disputes()).toEqual([]);
    simulator.clock.advanceBy(1_000);
    expect(simulator.state.disputes()).toMatchObject([{ amount: 1500 }]);
  });

  it('is not opened on a payment that was refunded in time', async () => {
    const { simulator, stripe } = await start();
    const { intent } = await pay(stripe, { payment_method: 'pm_card_createDispute' });
    await stripe.refunds.create({ payment_intent: intent.id });
    simulator.clock.advanceBy(DAY_MS);
    expect(simulator.state.disputes()).toEqual([]);
  });

  it('forbids a refund, until it is won', async () => {
    const { stripe, simulator, charge, dispute } = await disputed();
    const refused = {
      statusCode: 400,
      code: 'charge_disputed',
      message: `Charge ${charge} has been charged back; cannot issue a refund.`,
    };
    expect(await stripeError(stripe.refunds.create({ charge }))).toMatchObject(refused);
    simulator.decideDispute(dispute.id, 'won');
    expect((await stripe.refunds.create({ charge, amount: 100 })).status).toBe('succeeded');
    const lost = await disputed();
    lost.simulator.decideDispute(lost.dispute.id, 'lost');
    expect(await stripeError(lost.stripe.refunds.create({ charge: lost.charge }))).toMatchObject({
      code: 'charge_disputed',
    });
  });

  it('fails the pending refunds, and leaves those that succeeded', async () => {
    const { simulator, stripe } = await start();
    const { intent } = await pay(stripe);
    const through = await stripe.refunds.create({ payment_intent: intent.id, amount: 1000 });
    simulator.setNextRefund({ kind: 'pending' });
    const pending = await stripe.refunds.create({ payment_intent: intent.id, amount: 500 });
    const dispute = simulator.openDispute({ paymentIntent: intent.id });
    expect(dispute.amount).toBe(4000);
    simulator.clock.advanceBy(DAY_MS);
    expect((await stripe.refunds.retrieve(through.id)).status).toBe('succeeded');
    expect(await stripe.refunds.retrieve(pending.id)).toMatchObject({
      status: 'failed',
      failure_reason: 'charge_for_pending_refund_disputed',
    });
  });

  it('is won with winning_evidence, and the money is reinstated before the closing event', async () => {
    const { simulator, stripe, dispute, events } = await disputed();
    const answered = await stripe.disputes.update(dispute.id, {
      evidence: { uncategorized_text: 'winning_evidence', customer_name: 'Sample' },
      metadata: { order_id: 'o-1' },
    });
    expect(answered).toMatchObject({
      status: 'under_review',
      metadata: { order_id: 'o-1' },
      evidence: { uncategorized_text: 'winning_evidence', customer_name: 'Sample', receipt: null },
      evidence_details: { has_evidence: true, submission_count: 1, submission_method: 'manual' },
    });
    simulator.clock.advanceBy(5_000);
    const won = await stripe.disputes.retrieve(dispute.id, { expand: ['charge', 'payment_intent'] });
    expect(won).toMatchObject({ status: 'won', is_charge_refundable: true, charge: { disputed: true } });
    expect(balanceOf(won)).toEqual([
      [-5000, 2000, -7000],
      [5000, 0, 5000],
    ]);
    expect(won.balance_transactions[1]).toMatchObject({ reporting_category: 'dispute_reversal' });
    expect(events().slice(2)).toEqual([
      'charge.dispute.updated',
      'charge.dispute.funds_reinstated',
      'charge.dispute.closed',
    ]);
  });

  it('is lost with losing_evidence', async () => {
    const { simulator, stripe, dispute, events } = await disputed();
    await stripe.disputes.update(dispute.id, { evidence: { uncategorized_text: 'losing_evidence' } });
    simulator.clock.advanceBy(5_000);
    const lost = await stripe.disputes.retrieve(dispute.id);
    expect(lost).toMatchObject({ status: 'lost', is_charge_refundable: false });
    expect(balanceOf(lost)).toHaveLength(1);
    expect(events().slice(2)).toEqual(['charge.dispute.updated', 'charge.dispute.closed']);
  });

  it('with any other evidence is lost after the review, or as it is decided', async () => {
    const { simulator, stripe, dispute, intent } = await disputed();
    const other = await pay(stripe);
    const second = simulator.openDispute({ charge: other.charge, reason: 'duplicate', amount: 700, dueInMs: DAY_MS });
    expect(second).toMatchObject({ amount: 700, reason: 'duplicate' });
    expect((second.evidence_details.due_by ?? 0) - second.created).toBe(86_400);
    simulator.decideDispute(second.id, 'won', 'after_review');
    for (const { id } of [dispute, second])
      await stripe.disputes.update(id, { evidence: { uncategorized_text: 'We shipped it.' } });
    simulator.clock.advanceBy(5_000);
    expect((await stripe.disputes.retrieve(dispute.id)).status).toBe('under_review');
    expect((await stripe.disputes.retrieve(second.id)).status).toBe('won');
    simulator.clock.advanceBy(60 * DAY_MS);
    expect((await stripe.disputes.retrieve(dispute.id)).status).toBe('lost');
    expect((await stripe.disputes.list({ payment_intent: intent.id })).data).toHaveLength(1);
    expect((await stripe.disputes.list({ created: { lt: 1 } })).data).toEqual([]);
  });

  it('may be decided while it is under review', async () => {
    const { simulator, stripe, dispute } = await disputed();
    await stripe.disputes.update(dispute.id, { evidence: { product_description: 'A mug' } });
    simulator.decideDispute(dispute.id, 'won', 'after_review');
    simulator.clock.advanceBy(5_000);
    expect((await stripe.disputes.retrieve(dispute.id)).status).toBe('won');
    expect(() => simulator.decideDispute(dispute.id, 'lost')).toThrow('cannot go from won to lost');
    expect(() => simulator.decideDispute(dispute.id, 'lost', 'after_review')).toThrow('is closed');
  });

  it('keeps evidence that is not submitted, and is lost once the deadline has passed', async () => {
    const { simulator, stripe, dispute, events } = await disputed();
    const staged = await stripe.disputes.update(dispute.id, {
      evidence: { uncategorized_text: 'winning_evidence', shipping_carrier: 'dhl' },
      submit: false,
    });
    expect(staged).toMatchObject({
      status: 'needs_response',
      evidence_details: { has_evidence: true, submission_count: 0, submission_method: 'not_submitted' },
    });
    await stripe.disputes.update(dispute.id, { evidence: { shipping_carrier: '' }, submit: false });
    const metadataOnly = await stripe.disputes.update(dispute.id, { metadata: { a: '1' } });
    expect(metadataOnly).toMatchObject({ status: 'needs_response', evidence: { shipping_carrier: null } });
    simulator.clock.advanceTo((dispute.evidence_details.due_by ?? 0) * 1000);
    const lost = await stripe.disputes.retrieve(dispute.id);
    expect(lost).toMatchObject({ status: 'lost', evidence_details: { past_due: true } });
    expect(events().at(-1)).toBe('charge.dispute.closed');
    const late = stripe.disputes.update(dispute.id, { evidence: { customer_name: 'Late' } });
    expect(await stripeError(late)).toMatchObject({ statusCode: 400, message: 'This dispute is already closed.' });
    // Metadata is ours, and may still be written.
    expect((await stripe.disputes.update(dispute.id, { metadata: { a: '2' } })).metadata).toEqual({ a: '2' });
  });

  it('submits staged evidence by a request of its own, and accepts evidence only once', async () => {
    const { stripe, dispute } = await disputed();
    await stripe.disputes.update(dispute.id, { evidence: { customer_name: 'Sample' }, submit: false });
    expect((await stripe.disputes.update(dispute.id, { submit: true })).status).toBe('under_review');
    const again = await stripeError(stripe.disputes.update(dispute.id, { evidence: { customer_name: 'Other' } }));
    expect(again).toMatchObject({ statusCode: 400, type: 'StripeInvalidRequestError' });
    expect(again.message).toContain('already been submitted');
  });

  it('is given up by closing it, once', async () => {
    const { stripe, dispute, events } = await disputed();
    expect((await stripe.disputes.close(dispute.id)).status).toBe('lost');
    expect(events().slice(2)).toEqual(['charge.dispute.closed']);
    expect(await stripeError(stripe.disputes.close(dispute.id))).toMatchObject({ statusCode: 400 });
  });

  it.each<[string, object, object]>([
    ['unknown evidence', { evidence: { mood: 'bad' } }, { code: 'parameter_unknown', param: 'evidence[mood]' }],
    ['text in the place of a file', { evidence: { receipt: 'paid' } }, { param: 'evidence[receipt]' }],
    ['a text too long', { evidence: { uncategorized_text: 'x'.repeat(20_001) } }, { code: 'parameter_invalid_string' }],
    ['a submit that is neither', { submit: 'perhaps' }, { param: 'submit' }],
  ])('refuses %s', async (_name, params, error) => {
    const { stripe, dispute } = await disputed();
    const failed = await stripeError(stripe.disputes.update(dispute.id, params));
    expect(failed).toMatchObject({ statusCode: 400, ...error });
    expect(await stripe.disputes.retrieve(dispute.id)).toEqual(dispute);
  });

  it('answers 404 when it does not exist', async () => {
    const { stripe } = await start();
    for (const asked of [
      stripe.disputes.retrieve('du_x'),
      stripe.disputes.close('du_x'),
      stripe.disputes.update('du_x'),
    ])
      expect(await stripeError(asked)).toMatchObject({ statusCode: 404, code: 'resource_missing' });
  });

  it('is opened on captured money only, and once at a time', async () => {
    const { simulator, stripe } = await start();
    const held = await stripe.paymentIntents.create(HOLD);
    expect(() => simulator.openDispute({ paymentIntent: held.id })).toThrow('nothing captured');
    expect(() => simulator.openDispute({ paymentIntent: 'pi_none' })).toThrow('No such payment');
    const { intent } = await pay(stripe);
    expect(() => simulator.openDispute({ paymentIntent: intent.id, amount: 5001 })).toThrow('cannot be disputed');
    const first = simulator.openDispute({ paymentIntent: intent.id, amount: 100 });
    expect(() => simulator.openDispute({ paymentIntent: intent.id })).toThrow('disputed already');
    simulator.decideDispute(first.id, 'won');
    expect(simulator.openDispute({ paymentIntent: intent.id }).status).toBe('needs_response');
  });

  it('returns the fee when the account is set so', async () => {
    const { simulator, stripe } = await start({ disputeFee: 1500, disputeFeeReturned: true });
    const { intent } = await pay(stripe);
    const { id } = simulator.openDispute({ paymentIntent: intent.id });
    simulator.decideDispute(id, 'won');
    expect(balanceOf(await stripe.disputes.retrieve(id))).toEqual([
      [-5000, 1500, -6500],
      [5000, -1500, 6500],
    ]);
  });

  it('can reach an end from every state', () => {
    expect(deadEnds(DISPUTE_TRANSITIONS)).toEqual(['warning_closed', 'won', 'lost']);
  });
});
