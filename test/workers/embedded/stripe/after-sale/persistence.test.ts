import { readFileSync, writeFileSync } from 'node:fs';
import type { StripeSimulator } from '../../../../../workers/embedded/stripe/server';
import { pay } from './support';
import { later, stateFileForTests, type Started } from '../state-file';

const DAY_MS = 86_400_000;
const saved = stateFileForTests();
const { open, openAsAfterKill } = saved;

function kept({ state }: StripeSimulator): object {
  return JSON.parse(
    JSON.stringify([
      state.charges(),
      state.refunds(),
      state.disputes(),
      state.balanceTransactions(),
      state.earlyFraudWarnings(),
      state.events(),
    ]),
  ) as object;
}

/** One of each thing that becomes of money, some of it under way. */
async function useEverything({ simulator, stripe }: Started): Promise<void> {
  const { intent, charge } = await pay(stripe);
  await stripe.refunds.create({ charge, amount: 100, metadata: { a: '1' } });
  simulator.setNextRefund({ kind: 'pending' });
  await stripe.refunds.create({ charge, amount: 200 });
  simulator.setNextRefund({ kind: 'fail_after' });
  await stripe.refunds.create({ charge, amount: 300 });
  simulator.clock.advanceBy(6_000);
  simulator.setNextRefund({ kind: 'requires_action' });
  await stripe.refunds.create({ charge, amount: 400 });
  const warning = simulator.raiseFraudWarning({ charge });
  const dispute = simulator.openDispute({ paymentIntent: intent.id });
  await stripe.disputes.update(dispute.id, { evidence: { customer_name: 'Sample' }, metadata: { b: '2' } });
  await pay(stripe, { payment_method: 'pm_card_createDisputeInquiry' });
  simulator.clock.advanceBy(1_000);
  simulator.addBalanceTransaction({ amount: 5, currency: 'eur' });
  simulator.addDashboardPayment({ amount: 900, currency: 'eur' });
  simulator.settleRefund(simulator.state.refunds()[0]?.id ?? '', 'failed');
  expect(simulator.state.earlyFraudWarnings()).toMatchObject([{ id: warning.id, actionable: false }]);
  // Its answer comes after the controls' changes were written as well.
  await stripe.customers.create();
}

describe('refunds and disputes in a state file', () => {
  it.each(['stopped', 'killed'] as const)('are the same after the simulator was %s', async (end) => {
    const first = await open();
    await useEverything(first);
    const before = kept(first.simulator);
    const timers = first.simulator.clock.pendingTimers;
    if (end === 'stopped') await first.simulator.stop();
    const second = end === 'stopped' ? await open() : await openAsAfterKill();
    expect(kept(second.simulator)).toEqual(before);
    expect(second.simulator.clock.pendingTimers).toBe(timers);
    const [refund] = second.simulator.state.refunds();
    expect((await second.stripe.refunds.list({ charge: refund?.charge ?? '' })).data).toHaveLength(4);
    expect((await second.stripe.balanceTransactions.list({ source: refund?.id ?? '' })).data).toHaveLength(2);
  });

  it('continue while the simulator is down, each at its own time', async () => {
    const first = await open();
    const { charge } = await pay(first.stripe);
    first.simulator.setNextRefund({ kind: 'pending', then: 'fail', failureReason: 'declined', afterMs: DAY_MS });
    const refund = await first.stripe.refunds.create({ charge, amount: 100 });
    const other = await pay(first.stripe);
    const dispute = first.simulator.openDispute({ charge: other.charge });
    const third = await pay(first.stripe);
    const answered = first.simulator.openDispute({ charge: third.charge });
    first.simulator.decideDispute(answered.id, 'won', 'after_review');
    await first.stripe.disputes.update(answered.id, { evidence: { customer_name: 'Sample' } });
    await first.simulator.stop();
    later(10 * DAY_MS);
    const { simulator, stripe } = await open();
    expect(await stripe.refunds.retrieve(refund.id)).toMatchObject({ status: 'failed', failure_reason: 'declined' });
    expect((await stripe.disputes.retrieve(dispute.id)).status).toBe('lost');
    expect((await stripe.disputes.retrieve(answered.id)).status).toBe('won');
    const created = (type: string): number =>
      simulator.state.events().find((event) => event.type === type)?.created ?? 0;
    expect(created('refund.failed')).toBeCloseTo(refund.created + DAY_MS / 1000, -1);
    const closed = simulator.state.events().filter(({ type }) => type === 'charge.dispute.closed');
    expect(closed.map(({ objectId }) => objectId)).toEqual([answered.id, dispute.id]);
    expect(closed[1]?.created).toBe(dispute.evidence_details.due_by);
  });

  it('happen once as the card announces, in the start that runs when they are due', async () => {
    const first = await open({ disputeDelayMs: DAY_MS, fraudWarningDelayMs: DAY_MS });
    const { charge } = await pay(first.stripe, { payment_method: 'pm_card_createDispute' });
    const warned = await pay(first.stripe, { payment_method: 'pm_card_createIssuerFraudRecord' });
    await first.simulator.stop();
    const options = { disputeDelayMs: DAY_MS, fraudWarningDelayMs: DAY_MS };
    const second = await open(options);
    expect(second.simulator.state.disputes()).toEqual([]);
    second.simulator.clock.advanceBy(DAY_MS);
    expect(second.simulator.state.disputes()).toMatchObject([{ charge }]);
    expect(second.simulator.state.earlyFraudWarnings()).toMatchObject([{ charge: warned.charge }]);
    await second.simulator.stop();
    const third = await open(options);
    third.simulator.clock.advanceBy(DAY_MS);
    expect(third.simulator.state.disputes()).toHaveLength(1);
    expect(third.simulator.state.earlyFraudWarnings()).toHaveLength(1);
  });

  it('include no dispute of a payment that was refunded in time, whatever became of the refund', async () => {
    const first = await open();
    const { charge } = await pay(first.stripe, { payment_method: 'pm_card_createDispute' });
    const refund = await first.stripe.refunds.create({ charge });
    first.simulator.clock.advanceBy(DAY_MS);
    first.simulator.settleRefund(refund.id, 'failed');
    await first.simulator.stop();
    const { simulator } = await open();
    simulator.clock.advanceBy(DAY_MS);
    expect(simulator.state.disputes()).toEqual([]);
  });

  it('keep the outcomes that were set for future refunds', async () => {
    const first = await open();
    const { charge } = await pay(first.stripe);
    first.simulator.setNextRefund({ kind: 'pending', then: 'stay' }, { match: { charge } });
    await first.simulator.stop();
    const second = await open();
    expect((await second.stripe.refunds.create({ charge, amount: 100 })).status).toBe('pending');
    await second.simulator.stop();
    const third = await open();
    expect((await third.stripe.refunds.create({ charge, amount: 100 })).status).toBe('succeeded');
  });

  it('can be made of payments that an earlier version stored', async () => {
    const first = await open();
    const { charge } = await pay(first.stripe, { payment_method: 'pm_card_createDispute' });
    await first.simulator.stop();
    // That version wrote no balance transactions, and knew of no decisions but the issuer's and those of holds.
    const earlier = readFileSync(saved.stateFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) =>
        line.startsWith('[') ? JSON.stringify(withoutMoney(JSON.parse(line) as [string, object][])) : line,
      );
    writeFileSync(saved.stateFile, `${earlier.join('\n')}\n`);
    const { simulator, stripe } = await open();
    expect(simulator.state.balanceTransactions()).toEqual([]);
    simulator.clock.advanceBy(DAY_MS);
    expect(simulator.state.disputes()).toEqual([]);
    expect((await stripe.refunds.create({ charge })).status).toBe('succeeded');
  });
});

function withoutMoney(entries: readonly [string, object][]): [string, object][] {
  return entries
    .filter(([kind]) => kind !== 'balance_transaction')
    .map(([kind, value]) => {
      if (kind === 'charge') return [kind, { ...value, balance_transaction: null }];
      if (kind !== 'decisions') return [kind, value];
      const { issuer, holds } = value as Record<string, unknown>;
      return [kind, { issuer, holds }];
    });
}
