import type Stripe from 'stripe';
import type { RefundOutcome } from '../../../../../workers/embedded/stripe/after-sale/refund-outcomes';
import type { StripeSimulator } from '../../../../../workers/embedded/stripe/server';
import { check, fc } from '../../../../support/property';
import { pay } from './support';
import { start, stopAll } from '../support';

afterEach(stopAll);

const HOUR_MS = 3_600_000;
const CARDS = ['pm_card_visa', 'pm_card_pendingRefund', 'pm_card_refundFail', 'pm_card_createDisputeInquiry'];
const OUTCOMES: readonly RefundOutcome[] = [
  { kind: 'succeed' },
  { kind: 'pending', then: 'stay', pendingReason: 'insufficient_funds' },
  { kind: 'pending', then: 'fail', afterMs: 20 * HOUR_MS },
  { kind: 'requires_action', then: 'stay' },
  { kind: 'fail_after', afterMs: 50 * HOUR_MS },
  { kind: 'canceled' },
];

/** One thing that somebody does; `which` picks the payment, refund or dispute that is there. */
type Step =
  | { act: 'pay'; which: number }
  | { act: 'refund'; which: number; amount: number; outcome: number }
  | { act: 'settle'; which: number; to: 'succeeded' | 'failed' | 'canceled' }
  | { act: 'dispute'; which: number; kind: 'dispute' | 'inquiry' }
  | { act: 'answer'; which: number; text: string }
  | { act: 'decide'; which: number; outcome: 'won' | 'lost' | 'warning_closed' }
  | { act: 'escalate'; which: number }
  | { act: 'wait'; which: number };

const which = fc.nat(100);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ act: fc.constant('pay' as const), which }),
    fc.record({
      act: fc.constant('refund' as const),
      which,
      amount: fc.integer({ min: 1, max: 3000 }),
      outcome: which,
    }),
    fc.record({
      act: fc.constant('settle' as const),
      which,
      to: fc.constantFrom('succeeded' as const, 'failed' as const, 'canceled' as const),
    }),
    fc.record({
      act: fc.constant('dispute' as const),
      which,
      kind: fc.constantFrom('dispute' as const, 'inquiry' as const),
    }),
    fc.record({
      act: fc.constant('answer' as const),
      which,
      text: fc.constantFrom('winning_evidence', 'losing_evidence', 'escalate_inquiry_evidence', 'as shipped'),
    }),
    fc.record({
      act: fc.constant('decide' as const),
      which,
      outcome: fc.constantFrom('won' as const, 'lost' as const, 'warning_closed' as const),
    }),
    fc.record({ act: fc.constant('escalate' as const), which }),
    fc.record({ act: fc.constant('wait' as const), which }),
  ),
  { maxLength: 30 },
);

/** What is refused is refused: only the books count here. */
async function attempt(action: () => unknown): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (error instanceof Error && !error.message.startsWith('Simulator defect')) return;
    throw error;
  }
}

async function take(simulator: StripeSimulator, stripe: Stripe, step: Step): Promise<void> {
  const pick = <T>(all: readonly T[]): T | undefined => all[step.which % Math.max(all.length, 1)];
  const { state } = simulator;
  const charge = pick(state.charges())?.id ?? '';
  const dispute = pick(state.disputes())?.id ?? '';
  switch (step.act) {
    case 'pay':
      await pay(stripe, { payment_method: pick(CARDS) ?? '' });
      return;
    case 'refund': {
      const outcome = OUTCOMES[step.outcome % (OUTCOMES.length + 1)];
      if (outcome !== undefined) simulator.setNextRefund(outcome, { match: { charge } });
      await attempt(() => stripe.refunds.create({ charge, amount: step.amount }));
      return;
    }
    case 'settle':
      return attempt(() => simulator.settleRefund(pick(state.refunds())?.id ?? '', step.to));
    case 'dispute':
      return attempt(() => simulator.openDispute({ charge, kind: step.kind }));
    case 'answer':
      return attempt(() => stripe.disputes.update(dispute, { evidence: { uncategorized_text: step.text } }));
    case 'decide':
      return attempt(() => simulator.decideDispute(dispute, step.outcome));
    case 'escalate':
      return attempt(() => simulator.escalateInquiry(dispute));
    case 'wait':
      simulator.clock.advanceBy(step.which * HOUR_MS);
  }
}

/** The rules of the money, from the API's objects alone: what each says of itself against what moved in the balance. */
function violations({ state }: StripeSimulator): string[] {
  const moved = (source: string): number =>
    state
      .balanceTransactions()
      .filter((transaction) => transaction.source === source)
      .reduce((sum, { amount }) => sum + amount, 0);
  const found: string[] = [];
  const holds = (rule: string, id: string, is: boolean): void => void (is || found.push(`${rule}: ${id}`));
  for (const charge of state.charges()) {
    const refunds = state.refunds().filter((refund) => refund.charge === charge.id);
    const standing = refunds.filter(({ status }) => !['failed', 'canceled'].includes(status));
    const sum = standing.reduce((total, { amount }) => total + amount, 0);
    holds('captured = booked', charge.id, moved(charge.id) === charge.amount_captured);
    holds('amount_refunded = standing refunds', charge.id, charge.amount_refunded === sum);
    holds('refunded within captured', charge.id, sum <= charge.amount_captured);
    holds('refunded is all', charge.id, charge.refunded === (sum === charge.amount_captured));
    const open = state
      .disputes()
      .filter((one) => one.charge === charge.id && /needs_response|under_review/.test(one.status));
    holds('one open dispute', charge.id, open.length <= 1);
    const pending = standing.some(({ status }) => status === 'pending' || status === 'requires_action');
    holds(
      'no refund under way in a dispute',
      charge.id,
      !pending || open.every(({ status }) => status.startsWith('warning')),
    );
  }
  for (const refund of state.refunds()) {
    const left = refund.balance_transaction !== null && !['failed', 'canceled'].includes(refund.status);
    holds('refund = what left', refund.id, moved(refund.id) === (left ? -refund.amount : 0));
  }
  for (const dispute of state.disputes()) {
    const taken = ['needs_response', 'under_review', 'lost'].includes(dispute.status);
    holds('dispute = what is gone', dispute.id, moved(dispute.id) === (taken ? -dispute.amount : 0));
  }
  return found;
}

it('keeps the books balanced whatever happens, in whatever order', async () => {
  await check(
    'money that comes back',
    fc.asyncProperty(steps, async (story) => {
      const { simulator, stripe } = await start();
      await pay(stripe);
      for (const step of story) {
        await take(simulator, stripe, step);
        expect(violations(simulator)).toEqual([]);
      }
      simulator.clock.advanceBy(200 * 24 * HOUR_MS);
      expect(violations(simulator)).toEqual([]);
      expect(simulator.state.disputes().filter(({ status }) => /needs_response|under_review/.test(status))).toEqual([]);
      await stopAll();
    }),
    { numRuns: 60 },
  );
});
