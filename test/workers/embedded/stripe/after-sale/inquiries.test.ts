import { balanceOf, disputed } from './support';
import { stopAll, stripeError } from '../support';

afterEach(stopAll);

const DAY_MS = 86_400_000;

describe('an inquiry', () => {
  const inquiry = () => disputed('pm_card_createDisputeInquiry');

  it('withdraws no money, and leaves the payment refundable', async () => {
    const { stripe, simulator, dispute, charge, events } = await inquiry();
    expect(dispute).toMatchObject({
      status: 'warning_needs_response',
      is_charge_refundable: true,
      balance_transactions: [],
      payment_method_details: { card: { case_type: 'inquiry' } },
    });
    expect(events()).toEqual(['charge.dispute.created']);
    expect((await stripe.refunds.create({ charge, amount: 1000 })).status).toBe('succeeded');
    expect((await stripe.disputes.retrieve(dispute.id)).status).toBe('warning_needs_response');
    simulator.setNextRefund({ kind: 'pending' });
    await stripe.refunds.create({ charge });
    expect((await stripe.disputes.retrieve(dispute.id)).status).toBe('warning_needs_response');
    simulator.clock.advanceBy(5_000);
    expect((await stripe.disputes.retrieve(dispute.id)).status).toBe('warning_closed');
    expect(events().slice(-1)).toEqual(['charge.dispute.closed']);
    expect(simulator.state.balanceTransactions().map(({ type }) => type)).toEqual(['charge', 'refund', 'refund']);
  });

  it('with evidence is under review until it expires', async () => {
    const { stripe, simulator, dispute } = await inquiry();
    const answered = await stripe.disputes.update(dispute.id, { evidence: { uncategorized_text: 'As ordered.' } });
    expect(answered.status).toBe('warning_under_review');
    simulator.clock.advanceTo(dispute.created * 1000 + 120 * DAY_MS - 1000);
    expect((await stripe.disputes.retrieve(dispute.id)).status).toBe('warning_under_review');
    simulator.clock.advanceBy(1_000);
    expect((await stripe.disputes.retrieve(dispute.id)).status).toBe('warning_closed');
  });

  it('without evidence is past due, and expires too', async () => {
    const { stripe, simulator, dispute, events } = await inquiry();
    simulator.clock.advanceBy(7 * DAY_MS);
    expect(await stripe.disputes.retrieve(dispute.id)).toMatchObject({
      status: 'warning_needs_response',
      evidence_details: { past_due: true },
    });
    expect(events().at(-1)).toBe('charge.dispute.updated');
    const late = await stripeError(stripe.disputes.update(dispute.id, { evidence: { customer_name: 'Late' } }));
    expect(late.message).toContain('deadline');
    simulator.clock.advanceBy(113 * DAY_MS);
    expect((await stripe.disputes.retrieve(dispute.id)).status).toBe('warning_closed');
  });

  it.each(['winning_evidence', 'losing_evidence'])('ends with %s, without money', async (text) => {
    const { stripe, simulator, dispute } = await inquiry();
    await stripe.disputes.update(dispute.id, { evidence: { uncategorized_text: text } });
    simulator.clock.advanceBy(5_000);
    expect(await stripe.disputes.retrieve(dispute.id)).toMatchObject({
      status: 'warning_closed',
      balance_transactions: [],
    });
  });

  it('becomes a dispute with escalate_inquiry_evidence, and the refunds made meanwhile fail', async () => {
    const { stripe, simulator, dispute, charge, events } = await inquiry();
    simulator.clock.advanceBy(10_000);
    const before = await stripe.refunds.create({ charge, amount: 1000 });
    simulator.clock.advanceBy(10_000);
    await stripe.disputes.update(dispute.id, { evidence: { uncategorized_text: 'escalate_inquiry_evidence' } });
    const meanwhile = await stripe.refunds.create({ charge, amount: 2000 });
    expect(meanwhile.status).toBe('succeeded');
    simulator.clock.advanceBy(5_000);
    const escalated = await stripe.disputes.retrieve(dispute.id);
    expect(escalated).toMatchObject({
      status: 'needs_response',
      is_charge_refundable: false,
      evidence_details: { past_due: false },
      payment_method_details: { card: { case_type: 'chargeback' } },
    });
    expect(escalated.evidence_details.due_by).toBeGreaterThan(dispute.evidence_details.due_by ?? 0);
    expect(balanceOf(escalated)).toEqual([[-4000, 2000, -6000]]);
    expect((await stripe.refunds.retrieve(before.id)).status).toBe('succeeded');
    expect(await stripe.refunds.retrieve(meanwhile.id)).toMatchObject({
      status: 'failed',
      failure_reason: 'charge_for_pending_refund_disputed',
    });
    expect(events().slice(-4)).toEqual([
      'refund.failed',
      'charge.refund.updated',
      'charge.dispute.updated',
      'charge.dispute.funds_withdrawn',
    ]);
    await stripe.disputes.update(dispute.id, { evidence: { uncategorized_text: 'winning_evidence' } });
    simulator.clock.advanceBy(5_000);
    expect((await stripe.disputes.retrieve(dispute.id)).status).toBe('won');
  });

  it('is escalated by a control, and is closed by us', async () => {
    const { simulator, stripe, dispute, charge } = await inquiry();
    expect(simulator.escalateInquiry(dispute.id, { dueInMs: DAY_MS })).toMatchObject({ status: 'needs_response' });
    expect(() => simulator.escalateInquiry(dispute.id)).toThrow('is no inquiry');
    simulator.decideDispute(dispute.id, 'won');
    const { id } = simulator.openDispute({ charge, kind: 'inquiry', reason: 'unrecognized' });
    expect(() => simulator.decideDispute(id, 'won')).toThrow('cannot go from');
    expect((await stripe.disputes.close(id)).status).toBe('warning_closed');
  });
});
