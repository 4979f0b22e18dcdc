import { workflowIds } from '../../workflows/kit/names';
import { Disputes, FraudWarnings } from '../support/disputes';
import { eventually } from '../support/time/eventually';
import { violations } from '../support/invariants/invariants';
import { sample, seed } from '../support/property';
import { providerRefundsOf, refundIn } from '../support/refunds';
import { Shop } from '../support/shop';
import { dropped, fine, permuted, tripled, type Network } from '../support/webhooks/networks';
import { LOUD, Subscriptions } from '../support/subscriptions';
import { heard, liveTo, rest } from '../support/time/workflow-clocks';
import { closeConnections, createWorld, type World } from '../support/world';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const reason = 'requested_by_customer';

/** One world with a network of its own, in which the stories are lived stage by stage. */
class Life {
  readonly shop = new Shop(() => this.world);
  readonly disputes = new Disputes(() => this.world, this.shop);
  readonly warnings = new FraudWarnings(() => this.world);
  /** By the names of their stories. */
  readonly orders: Record<string, string> = {};
  readonly workflows: string[] = [];
  readonly firsts: string[] = [];
  private readonly beganMs = Date.now();

  constructor(
    readonly world: World,
    private readonly network: Network,
  ) {
    world.simulator.setWebhookFaults(network.faults);
  }

  async sell(...names: readonly string[]): Promise<void> {
    const sold = names.map(async (name) => [name, await this.disputes.shippedOrder('all')] as const);
    Object.assign(this.orders, Object.fromEntries(await Promise.all(sold)));
  }

  order(name: string): string {
    return this.orders[name] ?? '';
  }

  payment(name: string): string {
    return this.disputes.paymentOf(this.order(name));
  }

  /** What the network lets through comes, and nothing is under way any more. */
  async hear(): Promise<void> {
    this.network.deliver(this.world.simulator, this.firsts);
    await rest(this.world, this.workflows);
  }

  /** So long after the beginning whatever was not told has been found by looking. */
  async liveTo(ms: number): Promise<void> {
    await this.hear();
    await liveTo(this.world, this.workflows, this.beganMs + ms);
    await this.hear();
  }

  /** Step by step the provider's clock goes first, so that what happens is told before anybody looks. */
  async liveSteps(untilMs: number, stepMs: number): Promise<void> {
    const { clock } = this.world.simulator;
    while (clock.now() < this.beganMs + untilMs) {
      clock.advanceTo(Math.min(clock.now() + stepMs, this.beganMs + untilMs));
      this.network.deliver(this.world.simulator, this.firsts);
      await heard(this.world);
      await liveTo(this.world, this.workflows, clock.now());
      await rest(this.world, this.workflows);
    }
  }

  async hearLate(): Promise<void> {
    this.network.deliverLate(this.world.simulator);
    await rest(this.world, this.workflows);
  }

  /** The order's only refund, as the provider knows it. */
  providerRefund(name: string): string {
    const taken = this.payment(name);
    const [refund] = this.world.simulator.state.refunds().filter((one) => one.payment_intent === taken);
    return refund?.id ?? '';
  }
}

/** Everything that is asked for, disputed or warned of, and that the first word of it is recorded. */
async function begin(life: Life): Promise<{ won: string; lost: string; inquiry: string; warning: string }> {
  const { world, disputes, warnings } = life;
  const { simulator, dependencies } = world;
  const stays = { kind: 'pending', then: 'stay', pendingReason: 'processing' } as const;
  for (const name of ['confirmed', 'elsewhere', 'warned'])
    simulator.setNextRefund(stays, { match: { paymentIntent: life.payment(name) } });
  for (const [name, amount] of [
    ['confirmed', 1_000],
    ['returned', 2_000],
  ] as const) {
    const answer = await world.holdfast.refund(life.order(name), { amount, reason });
    if (!answer.accepted || answer.state === 'voided') throw new Error(JSON.stringify(answer));
    life.workflows.push(workflowIds.refund(answer.refundId));
    await eventually('the refund to be made', () => providerRefundsOf(world, life.order(name)).length === 1);
  }
  const made = { payment_intent: life.payment('elsewhere'), amount: 1_500 };
  const { id: elsewhere } = await dependencies.stripe.refunds.create(made);
  const [won, lost] = ['won', 'lost'].map((name) => disputes.open(life.order(name))) as [string, string];
  const inquiry = disputes.open(life.order('inquiry'), { kind: 'inquiry' });
  const { id: warning } = simulator.raiseFraudWarning({ paymentIntent: life.payment('warned') });
  life.firsts.push(elsewhere, won, lost, inquiry, warning);
  life.workflows.push(workflowIds.refund(elsewhere), workflowIds.fraudWarning(warning));
  life.workflows.push(...[won, lost, inquiry].map((id) => workflowIds.dispute(id)));
  await life.hear();
  await refundIn(world, elsewhere, 'pending');
  await warnings.until(warning, 'the warning', (one) => one.exceptions.length === 1);
  for (const id of [won, lost, inquiry])
    await disputes.until(id, 'the evidence', (one) => one.evidenceCollectedAt !== undefined);
  await life.liveTo(2 * HOUR_MS);
  return { won, lost, inquiry, warning };
}

/** What orders, refunds, disputes and warnings come to, by the names of their stories and without the times and ids. */
async function endOf(life: Life): Promise<Record<string, unknown>> {
  const { pool, disputes } = life.world.dependencies;
  const all = await disputes.listDisputes({ limit: 100 });
  const warnings = await disputes.listFraudWarnings({ limit: 100 });
  const grouped = async (text: string, orderId: string): Promise<unknown> => {
    const { rows } = await pool.query<{ what: string; value: number }>(text, [orderId]);
    return Object.fromEntries(rows.map(({ what, value }) => [what, value]));
  };
  const ends = Object.entries(life.orders).map(async ([name, orderId]) => {
    const { state, paymentState, amounts, refunds, exception } = await life.shop.view(orderId);
    return [
      name,
      {
        ...{ state, paymentState, amounts, exception: exception?.kind },
        refunds: refunds.map(({ state: one, parts, resolution }) => ({
          state: one,
          parts: parts.map(({ status, amount, failureReason }) => ({ status, amount, failureReason })),
          resolved: resolution?.action,
        })),
        disputes: all
          .filter((one) => one.orderId === orderId)
          .map(({ stage, round, withdrawn, feeAmount, decision, exceptions }) => ({
            ...{ stage, round, withdrawn, feeAmount, exceptions },
            decision: decision && [decision.action, decision.actor, decision.attempt, decision.doneAt !== undefined],
          })),
        warnings: warnings.filter((one) => one.orderId === orderId).map((one) => one.ended),
        ledger: await grouped(
          'SELECT kind AS what, sum(amount)::int AS value FROM ledger_entries WHERE order_id = $1 GROUP BY 1',
          orderId,
        ),
        notices: await grouped(
          `SELECT kind || ' ' || status AS what, count(*)::int AS value FROM notices WHERE order_id = $1 GROUP BY 1`,
          orderId,
        ),
        events: await grouped(
          'SELECT type AS what, count(*)::int AS value FROM outbox WHERE order_id = $1 GROUP BY 1',
          orderId,
        ),
      },
    ] as const;
  });
  return Object.fromEntries(await Promise.all(ends));
}

/** The stories of money that goes back, over one network, from the sale to where nothing can come any more. */
async function moneyBack(network: Network): Promise<Record<string, unknown>> {
  const world = await createWorld();
  try {
    const life = new Life(world, network);
    const { simulator, holdfast } = world;
    await life.sell('confirmed', 'returned', 'elsewhere', 'won', 'lost', 'inquiry', 'warned');
    const { won, lost, inquiry, warning } = await begin(life);
    for (const id of [won, lost, inquiry]) {
      expect(await life.disputes.decide(id)).toMatchObject({ accepted: true });
    }
    expect(await life.warnings.decide(warning, 'refund')).toMatchObject({ accepted: true });
    life.workflows.push(workflowIds.refund(`fraud-${warning}`));
    await eventually('the refund to be made', () => life.providerRefund('warned') !== '');
    await life.liveTo(4 * HOUR_MS);
    for (const name of ['confirmed', 'elsewhere', 'warned'])
      simulator.settleRefund(life.providerRefund(name), 'succeeded');
    simulator.decideDispute(won, 'won');
    simulator.decideDispute(lost, 'lost');
    simulator.decideDispute(inquiry, 'warning_closed');
    await life.liveTo(4 * DAY_MS);
    simulator.settleRefund(life.providerRefund('returned'), 'failed', 'lost_or_stolen_card');
    await life.liveTo(9 * DAY_MS);
    const [{ refundId = '' } = {}] = (await life.shop.view(life.order('returned'))).refunds;
    const transfer = { action: 'manual_transfer', reference: 'SEPA-1' } as const;
    expect(await holdfast.resolveRefund(refundId, transfer)).toMatchObject({ accepted: true });
    await life.hear();
    const end = await endOf(life);
    await life.hearLate();
    expect(await endOf(life)).toEqual(end);
    expect(await violations(world)).toEqual([]);
    return end;
  } finally {
    await world.close();
  }
}

/** A trial that converts, fails and recovers, beside a subscription whose renewal fails until it ends, over one network. */
async function subscribed(network: Network): Promise<Record<string, unknown>> {
  const world = await createWorld({ dunning: LOUD });
  try {
    const subscriptions = new Subscriptions(() => world);
    const trialFails = ['insufficient_funds', 'processing_error', 'insufficient_funds'];
    const begun = {
      recovered: await subscriptions.begin({ trialDays: 14, renewals: trialFails }),
      exhausted: await subscriptions.begin({ renewals: 'insufficient_funds' }),
    };
    const ids = Object.values(begun).map((one) => one.subscriptionId);
    for (const id of ids) await subscriptions.followed(id);
    const life = new Life(world, network);
    life.workflows.push(...ids.map((id) => workflowIds.subscription(id)));
    // Days to which it is lived step by step, and how long the steps are: what happens in one is told at its end.
    for (const [untilDay, stepDays] of DAYS) await life.liveSteps(untilDay * DAY_MS, stepDays * DAY_MS);
    const endOfBoth = async (): Promise<Record<string, unknown>> => {
      const ends = Object.entries(begun).map(async ([name, { subscriptionId }]) => {
        const { stage, trial, entitled, invoice } = await subscriptions.view(subscriptionId);
        return [
          name,
          {
            ...{ stage, trial, entitled },
            invoice: [invoice?.status, invoice?.attemptCount, invoice?.amountPaid],
            told: await subscriptions.told(subscriptionId),
            // Of several failures that nobody saw the newest is told.
            events: [...new Set(await subscriptions.events(subscriptionId))].sort(),
            isRunning: await subscriptions.isRunning(subscriptionId),
          },
        ] as const;
      });
      return Object.fromEntries(await Promise.all(ends));
    };
    const end = await endOfBoth();
    await life.hearLate();
    expect(await endOfBoth()).toEqual(end);
    return end;
  } finally {
    await world.close();
  }
}

/** The trial ends on day 14 and recovers within a week; the other one is renewed after a month and tried for two weeks. */
const DAYS = [
  [13, 6.5],
  [22, 1],
  [28, 6],
  [48, 1],
] as const;

/** Each is made for one world: it knows what came. */
const networks: readonly (readonly [string, () => Network])[] = [
  ['tripled', () => tripled],
  ['dropped', dropped],
  ['permuted', () => permuted(seed)],
  ['permuted in another way', () => permuted(seed + 1)],
];

beforeAll(() => void process.stdout.write(`webhooks after a sale: seed ${seed} (repeat with HOLDFAST_SEED=${seed})\n`));
afterAll(() => closeConnections());

/** Two worlds side by side: each mostly waits. */
async function live(make: () => Network) {
  const stories = [moneyBack(make()), subscribed(make())] as const;
  // Both worlds are closed before either's failure is told.
  await Promise.allSettled(stories);
  const [orders, subscriptions] = await Promise.all(stories);
  return { orders, subscriptions };
}

describe('refunds and disputes after a sale', () => {
  let expected: Awaited<ReturnType<typeof live>>;
  beforeAll(async () => void (expected = await live(() => fine)), 120_000);

  it('end as the banks decide when every webhook comes once', () => {
    expect(expected.orders).toMatchObject({
      confirmed: { refunds: [{ state: 'succeeded' }], amounts: { refunded: 1_000 } },
      returned: { refunds: [{ state: 'resolved' }], amounts: { refunded: 0, refundedOutside: 2_000 } },
      elsewhere: { refunds: [{ state: 'succeeded' }], amounts: { refunded: 1_500 } },
      won: { disputes: [{ stage: 'won', withdrawn: 0 }] },
      lost: { disputes: [{ stage: 'lost', withdrawn: 7_970 }], amounts: { disputed: 7_970 } },
      inquiry: { disputes: [{ stage: 'warning_closed', withdrawn: 0 }] },
      warned: { warnings: ['refunded'], refunds: [{ state: 'succeeded' }], amounts: { refunded: 7_970 } },
    });
    expect(expected.subscriptions).toMatchObject({
      recovered: {
        ...{ stage: 'active', trial: 'converted', entitled: true, isRunning: true },
        told: ['trial_ending', 'trial_payment_failed', 'payment_recovered'],
      },
      exhausted: {
        ...{ stage: 'canceled', entitled: false, isRunning: false, invoice: ['open', 8, 0] },
        told: ['payment_failed', 'payment_failed', 'payment_last_try', 'subscription_ended'],
      },
    });
  });

  it.each(sample('networks', networks, 1))(
    'ends the same, in money, words and events, where webhooks are %s',
    async (_kind, make) => {
      expect(await live(make)).toEqual(expected);
    },
    120_000,
  );
});
