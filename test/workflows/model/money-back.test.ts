import type { OrderView } from '../../../workflows/domain/order/view';
import { Disputes } from '../../support/disputes';
import { eventually } from '../../support/time/eventually';
import { violations } from '../../support/invariants/invariants';
import { check, fc, isWhole } from '../../support/property';
import { refundViolations } from '../../support/invariants/refunds';
import { forwardRefund, providerRefundsOf, refundIn } from '../../support/refunds';
import { Shop } from '../../support/shop';
import { closeConnections, createWorld } from '../../support/world';
import type { World } from '../../support/world';
import { MoneyBackModel } from './money-back-model';
import { sendWebhooks, webhookWays } from './webhook-ways';
import type { WebhookWay } from './webhook-ways';

/*
 * Refunds, refunds that come back, and a dispute, in whatever order, with webhooks told once, three times, in another order, late
 * or never: every answer and amount agrees with a small model, nothing is given back while the bank decides, every refund under way
 * ends, and ledger and simulator agree.
 */

const DAY_MS = 24 * 3_600_000;
const LOOK_SOON_MS = 2 * 60_000;
/** Between two looks at a refund that was given back there are a month at most, and 60 days in all. */
const LOOK_MS = 31 * DAY_MS;
/** A dispute that nobody tells of is looked at within this. */
const MOST_LOOKS = 4;
const RUNS = isWhole ? 12 : 4;
const MOST_COMMANDS = 10;
/** What an order of two mugs and a teapot costs. */
const CAPTURED = 7_970;

const commands = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('refund' as const),
      amount: fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: CAPTURED + 1 })),
      settles: fc.constantFrom<'at once' | 'later'>('at once', 'later'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('comes back' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('dispute' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('decide' as const), outcome: fc.constantFrom('won', 'lost') }),
  },
  { weight: 3, arbitrary: webhookWays },
);
type Command = typeof commands extends fc.Arbitrary<infer Value> ? Value : never;

const stories = fc
  .tuple(webhookWays, fc.array(commands, { minLength: 3, maxLength: MOST_COMMANDS, size: 'max' }))
  .map(([first, rest]): Command[] => [first, ...rest]);

afterAll(closeConnections);

it('agrees with the model, whatever refunds and disputes come', async () => {
  const property = fc.asyncProperty(stories, async (story) => {
    const world = await createWorld();
    try {
      await new Play(world).all(story);
      const broken = async () => [...(await violations(world)), ...(await refundViolations(world))];
      await eventually('the money to agree', async () => (await broken()).length === 0).catch(async () => {
        expect({ story, broken: await broken() }).toEqual({ story, broken: [] });
      });
    } finally {
      await world.close();
    }
  });
  // A smaller example takes a world of its own for each try: the seed and the story are told instead.
  await check('refunds and disputes agree with the model', property, { numRuns: RUNS, endOnFailure: true });
}, 180_000);

class Play {
  private readonly model = new MoneyBackModel(CAPTURED);
  private readonly disputes: Disputes;
  private readonly told: string[] = [];
  private orderId = '';
  private disputeId = '';
  private way: WebhookWay = 'as they come';

  constructor(private readonly world: World) {
    const home = () => world;
    this.disputes = new Disputes(home, new Shop(home));
  }

  async all(story: readonly Command[]): Promise<void> {
    this.orderId = await this.disputes.shippedOrder('all');
    for (const command of story) {
      this.told.push(JSON.stringify(command));
      await this.perform(command);
      await this.agree();
    }
    if (this.model.isDisputed) await this.decide('won');
    await this.pass();
    this.told.push('the end');
    await this.agree();
    // Nobody tells of the last that comes back: each story knows a look of weeks later.
    await this.perform({ kind: 'webhooks', way: 'lost', late: false });
    await this.comeBack();
    await this.agree();
    expect(this.model.pending).toEqual([]);
  }

  private async perform(command: Command): Promise<void> {
    switch (command.kind) {
      case 'refund':
        return this.refund(command.amount, command.settles);
      case 'pass':
        return this.pass();
      case 'comes back':
        return this.comeBack();
      case 'dispute':
        if (this.model.mayBeDisputed) await this.dispute();
        return;
      case 'decide':
        if (this.model.isDisputed) await this.decide(command.outcome as 'won' | 'lost');
        return;
      case 'webhooks':
        this.way = command.way;
        await sendWebhooks(this.world, command);
    }
  }

  private get isDeaf(): boolean {
    return this.way === 'lost';
  }

  private async dispute(): Promise<void> {
    this.disputeId = this.disputes.open(this.orderId);
    // One that no webhook tells of is none that anybody looks for.
    if (this.isDeaf) await this.disputes.wake(this.disputeId);
    const isCollected = (one: { evidenceCollectedAt?: string }) => one.evidenceCollectedAt !== undefined;
    await this.disputes.until(this.disputeId, 'evidence to be collected', isCollected);
    // What the bank refused of refunds under way is found by their own looks.
    if (this.isDeaf) for (const { refundId } of this.model.pending) await forwardRefund(refundId, DAY_MS);
    this.model.open();
  }

  private async refund(amount: number, settles: 'at once' | 'later'): Promise<void> {
    const { simulator, holdfast } = this.world;
    const reason = this.model.refusal(amount);
    const before = providerRefundsOf(this.world, this.orderId).length;
    if (reason === undefined && settles === 'later') {
      simulator.setNextRefund({ kind: 'pending', then: 'succeed', afterMs: 3 * DAY_MS });
    }
    const answer = await holdfast.refund(this.orderId, { amount, reason: 'requested_by_customer' });
    expect({ told: this.told, ...answer }).toMatchObject(
      reason === undefined ? { accepted: true, amount } : { accepted: false, reason },
    );
    if (reason !== undefined) {
      expect(providerRefundsOf(this.world, this.orderId)).toHaveLength(before);
      return;
    }
    const refundId = 'refundId' in answer ? answer.refundId : '';
    this.model.refund(refundId, amount, settles === 'later' ? 'pending' : 'succeeded');
    // Asked for before anything else comes: what a dispute makes of one that is not sent yet is tested elsewhere.
    await eventually('the refund to be asked for', () =>
      Promise.resolve(providerRefundsOf(this.world, this.orderId).length > before),
    );
    // What the provider answers is not believed before it is told, or found by a look of a minute later.
    if (this.isDeaf && settles === 'at once') await forwardRefund(refundId, LOOK_SOON_MS);
  }

  /** Three days and more: the provider's clock goes first. */
  private async pass(): Promise<void> {
    const { pending } = this.model;
    if (pending.length === 0) return;
    const { clock } = this.world.simulator;
    clock.advanceTo(clock.now() + 4 * DAY_MS);
    for (const { refundId } of pending) {
      await forwardRefund(refundId, DAY_MS);
      await refundIn(this.world, refundId, 'succeeded');
    }
    this.model.pass();
  }

  /** The customer's bank sends back what had arrived. */
  private async comeBack(): Promise<void> {
    const { newest } = this.model;
    if (newest === undefined || this.model.isDisputed) return;
    await refundIn(this.world, newest.refundId, 'succeeded');
    const made = providerRefundsOf(this.world, this.orderId).find(
      (one) => one.metadata?.['holdfast_refund_id'] === newest.refundId,
    );
    // A look at it lets weeks pass, in which what is under way would arrive.
    if (this.isDeaf) await this.pass();
    this.world.simulator.settleRefund(made?.id ?? '', 'failed', 'lost_or_stolen_card');
    newest.state = 'failed';
    const { refunds } = this.world.dependencies;
    for (let looks = 0; this.isDeaf && looks < 2; looks += 1) {
      if ((await refunds.getRefund(newest.refundId))?.state === 'failed') return;
      await forwardRefund(newest.refundId, LOOK_MS);
    }
  }

  private async decide(outcome: 'won' | 'lost'): Promise<void> {
    this.world.simulator.decideDispute(this.disputeId, outcome);
    for (let looks = 0; this.isDeaf && looks < MOST_LOOKS; looks += 1) {
      if ((await this.disputes.view(this.disputeId)).stage === outcome) break;
      await this.disputes.forward(this.disputeId, DAY_MS);
    }
    await this.disputes.endOf(this.disputeId);
    this.model.close(outcome);
  }

  /** The order comes to what the model says; what the provider answers takes a moment. */
  private async agree(): Promise<void> {
    let seen: OrderView | undefined;
    const expected = this.model.summary();
    await eventually('the order to agree with the model', async () => {
      seen = await this.world.dependencies.queries.getOrder(this.orderId);
      return seen !== undefined && JSON.stringify(summary(seen)) === JSON.stringify(expected);
    }).catch(() => {
      expect({ told: this.told, is: seen && summary(seen) }).toEqual({ told: this.told, is: expected });
    });
  }
}

function summary({ amounts, refunds = [] }: OrderView): object {
  const { captured, refundPending, refunded, disputed = 0 } = amounts;
  const states = refunds.map(({ refundId, state }) => `${refundId} ${state}`).sort();
  return { captured, refundPending, refunded, disputed, refunds: states };
}
