import { WithStartWorkflowOperation } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import type Stripe from 'stripe';
import { DEFAULT_DUNNING_POLICY } from '../../workflows/domain/dunning/policy';
import type { DunningPolicy } from '../../workflows/domain/subscription/subscription';
import type { SubscriptionView } from '../../workflows/domain/subscription/view';
import { workflowIds, workflowTypes } from '../../workflows/kit/names';
import { paySubscription, type PayAnswer } from '../../workflows/subscription/messages';
import { getConnection, testEnvironment, uniqueName } from './environment';
import { eventually } from './time/eventually';
import { fastForward, virtualTime } from './time/time';
import { closeConnections, createWorld } from './world';
import type { World, WorldOptions } from './world';

const { EventType } = temporal.api.enums.v1;
const CLOCK_EVENTS: ReadonlySet<string> = new Set([
  'WORKFLOW_EXECUTION_OPTIONS_UPDATED',
  'WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED',
]);

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** No quiet hours: what is asked when of a test must not depend on the hour at which it runs. */
export const LOUD: Partial<DunningPolicy> = { quietHours: { from: '00:00', to: '00:00' } };

export interface BeginOptions {
  readonly paymentMethod?: string;
  readonly trialDays?: number;
  /** Minor units a month. */
  readonly amount?: number;
  /** Anything else of the subscription. */
  readonly params?: Partial<Stripe.SubscriptionCreateParams>;
  /** What the bank says to renewals, one after the other; a single word is said to all of them. */
  readonly renewals?: string | readonly string[];
  readonly customer?: Partial<Stripe.CustomerCreateParams>;
}

export interface Begun {
  readonly subscriptionId: string;
  readonly customerId: string;
  readonly priceId: string;
}

/** One row of the notices of a subscription. */
export interface NoticeRow {
  readonly kind: string;
  readonly status: string;
  readonly noticeKey: string;
  /** By the clock of who queued it. */
  readonly at: string;
  readonly data: Record<string, unknown>;
}

/** What tests do with subscriptions in one world, the one of the file unless another is given. */
export class Subscriptions {
  constructor(private readonly home: () => World) {}

  /** A customer with a card who subscribes, at the simulator alone: we hear of it by webhooks. */
  async begin(options: BeginOptions = {}, where = this.home()): Promise<Begun> {
    const { stripe } = where.dependencies;
    const customer = await stripe.customers.create({ email: 'subscriber@example.com', ...options.customer });
    if (options.paymentMethod !== 'none') {
      await this.setCard(customer.id, options.paymentMethod ?? 'pm_card_visa', where);
    }
    const product = await stripe.products.create({ name: 'Tea club' });
    const price = await this.price(product.id, options.amount ?? 1_900, where);
    const trial = options.trialDays === undefined ? {} : { trial_period_days: options.trialDays };
    const subscription = await stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price }],
      ...trial,
      ...options.params,
    });
    if (options.renewals !== undefined) this.answerRenewals(customer.id, options.renewals, where);
    return { subscriptionId: subscription.id, customerId: customer.id, priceId: price };
  }

  async price(product: string, unitAmount: number, where = this.home()): Promise<string> {
    const { stripe } = where.dependencies;
    const recurring = { interval: 'month' } as const;
    return (await stripe.prices.create({ product, currency: 'eur', unit_amount: unitAmount, recurring })).id;
  }

  /** Attaches a card and makes it the customer's default. */
  async setCard(customerId: string, paymentMethod: string, where = this.home()): Promise<string> {
    const { stripe } = where.dependencies;
    const method = await stripe.paymentMethods.attach(paymentMethod, { customer: customerId });
    await stripe.customers.update(customerId, { invoice_settings: { default_payment_method: method.id } });
    return method.id;
  }

  /** What the bank says to renewals and retries of a customer. */
  answerRenewals(customerId: string, outcomes: string | readonly string[], where = this.home()): void {
    type Outcome = Parameters<World['simulator']['issueDecision']>[1];
    where.simulator.issueDecision(customerId, outcomes as Outcome);
  }

  /** Waits until the workflow has seen the subscription. */
  async followed(subscriptionId: string, where = this.home()): Promise<SubscriptionView> {
    await eventually('the subscription to be followed', async () => {
      const sql = 'SELECT 1 FROM subscriptions WHERE subscription_id = $1 AND watched_stage = stage';
      return (await where.dependencies.pool.query(sql, [subscriptionId])).rows.length > 0;
    });
    return this.view(subscriptionId, where);
  }

  async view(subscriptionId: string, where = this.home()): Promise<SubscriptionView> {
    const found = await where.dependencies.subscriptions.getSubscription(subscriptionId);
    if (found === undefined) throw new Error(`no subscription ${subscriptionId}`);
    return found;
  }

  /** Waits until the recorded stage is this one. */
  async reaches(subscriptionId: string, stage: SubscriptionView['stage'], where = this.home()): Promise<void> {
    await eventually(`${subscriptionId} to be ${stage}`, async () => {
      return (await where.dependencies.subscriptions.getSubscription(subscriptionId))?.stage === stage;
    });
  }

  /**
   * Lives through a span: step by step the provider's clock goes first, its webhooks are delivered and looked at, then the
   * workflow's clock follows. So things happen in the order that they have in life. Ends early with the workflow.
   */
  async live(subscriptionId: string, ms: number, stepMs = 6 * HOUR_MS, where = this.home()): Promise<void> {
    const { simulator } = where;
    const untilMs = simulator.clock.now() + ms;
    while (simulator.clock.now() < untilMs) {
      const toMs = Math.min(simulator.clock.now() + stepMs, untilMs);
      simulator.clock.advanceTo(toMs);
      await this.quiet(where);
      if ((await this.forwardTo(subscriptionId, toMs)) === 'ended') return;
      await this.quiet(where);
    }
  }

  /** Lives through the rest of a period in one step, to an hour before it ends. */
  async toRenewal(begun: Begun, where = this.home()): Promise<void> {
    const { currentPeriodEnd = '' } = await this.followed(begun.subscriptionId, where);
    const ms = Date.parse(currentPeriodEnd) - HOUR_MS - where.simulator.clock.now();
    await this.live(begun.subscriptionId, ms, ms, where);
  }

  /** Moves the workflow's clock alone; the provider's follows whenever the workflow looks. */
  async forward(subscriptionId: string, ms: number): Promise<'reached' | 'ended'> {
    return this.forwardTo(subscriptionId, (await this.clockOf(subscriptionId)) + ms);
  }

  private async forwardTo(subscriptionId: string, toMs: number): Promise<'reached' | 'ended'> {
    const spanMs = toMs - (await this.clockOf(subscriptionId));
    if (spanMs <= 0) return 'reached';
    const { temporalNamespace } = testEnvironment();
    try {
      await this.idle(subscriptionId);
      return await fastForward(
        await getConnection(),
        temporalNamespace,
        workflowIds.subscription(subscriptionId),
        spanMs,
      );
    } catch (error) {
      if (error instanceof Error && /already completed|not found/i.test(error.message)) return 'ended';
      throw error;
    }
  }

  /**
   * Waits until the workflow sleeps. A clock that is moved within a workflow task costs another one, which is none of the
   * workflow's own.
   */
  async idle(subscriptionId: string): Promise<void> {
    const { workflowService } = await getConnection();
    const namespace = testEnvironment().temporalNamespace;
    const execution = { workflowId: workflowIds.subscription(subscriptionId) };
    await eventually('the workflow to be idle', async () => {
      const { pendingWorkflowTask } = await workflowService.describeWorkflowExecution({ namespace, execution });
      return pendingWorkflowTask === null || pendingWorkflowTask === undefined;
    });
  }

  private async clockOf(subscriptionId: string): Promise<number> {
    const workflowId = workflowIds.subscription(subscriptionId);
    const clock = await virtualTime(await getConnection(), testEnvironment().temporalNamespace, workflowId);
    return clock?.nowMs ?? Date.now();
  }

  /** Everything that was sent has been looked at. */
  async quiet(where = this.home()): Promise<void> {
    await where.simulator.flush();
    await eventually('the inbox to be done', async () => {
      const { pending, waiting } = await where.dependencies.inbox.countByStatus();
      return pending + waiting === 0;
    });
  }

  /** A customer's new payment method, through the workflow, as the client library asks. */
  async pay(
    subscriptionId: string,
    paymentMethod: string,
    options: { readonly updateId?: string; readonly where?: World } = {},
  ): Promise<PayAnswer> {
    const where = options.where ?? this.home();
    const handle = where.client.workflow.getHandle(workflowIds.subscription(subscriptionId));
    return handle.executeUpdate(paySubscription, {
      args: [{ paymentMethod }],
      updateId: options.updateId ?? uniqueName('pay'),
    });
  }

  /** The same where the workflow may have ended, or never begun. */
  async payWithStart(subscriptionId: string, paymentMethod: string, where = this.home()): Promise<PayAnswer> {
    const startWorkflowOperation = new WithStartWorkflowOperation(workflowTypes.subscription, {
      workflowId: workflowIds.subscription(subscriptionId),
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: where.taskQueue,
      args: [{ subscriptionId, policy: { ...DEFAULT_DUNNING_POLICY, ...LOUD } }],
    });
    return where.client.workflow.executeUpdateWithStart(paySubscription, {
      args: [{ paymentMethod }],
      updateId: uniqueName('pay'),
      startWorkflowOperation,
    });
  }

  /** Follows a subscription that no webhook has told of. */
  async start(subscriptionId: string, where = this.home(), dunning: Partial<DunningPolicy> = LOUD): Promise<void> {
    await where.client.workflow.start(workflowTypes.subscription, {
      workflowId: workflowIds.subscription(subscriptionId),
      taskQueue: where.taskQueue,
      args: [{ subscriptionId, policy: { ...DEFAULT_DUNNING_POLICY, ...dunning } }],
    });
  }

  /** As they were queued, which is the order in which they are told. */
  async notices(subscriptionId: string, where = this.home()): Promise<NoticeRow[]> {
    const sql = `SELECT kind, status, notice_key AS "noticeKey", due_at AS at, data FROM notices
      WHERE subject_type = 'subscription' AND subject_id = $1 ORDER BY queued_at, notice_key`;
    const { rows } = await where.dependencies.pool.query<Omit<NoticeRow, 'at'> & { at: Date }>(sql, [subscriptionId]);
    return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
  }

  /** Kinds of the notices that were told or wait to be, oldest first. */
  async told(subscriptionId: string, where = this.home()): Promise<string[]> {
    const rows = await this.notices(subscriptionId, where);
    return rows.filter((row) => row.status !== 'canceled' && row.status !== 'expired').map((row) => row.kind);
  }

  /** Types of our own events, in their sequence. */
  async events(subscriptionId: string, where = this.home()): Promise<string[]> {
    const sql = `SELECT type FROM outbox WHERE aggregate = 'subscription' AND order_id = $1 ORDER BY sequence`;
    const { rows } = await where.dependencies.pool.query<{ type: string }>(sql, [subscriptionId]);
    return rows.map((row) => row.type);
  }

  /** What its workflow's newest run has in its history, without what the moving of its clock writes into it. */
  async history(subscriptionId: string, where = this.home()): Promise<string[]> {
    const handle = where.client.workflow.getHandle(workflowIds.subscription(subscriptionId));
    const { events } = await handle.fetchHistory();
    const types = (events ?? []).map((event) => EventType[event.eventType ?? 0]?.slice('EVENT_TYPE_'.length) ?? '?');
    return types.filter((type) => !CLOCK_EVENTS.has(type));
  }

  async endOf(subscriptionId: string, where = this.home()): Promise<unknown> {
    return where.client.workflow.getHandle(workflowIds.subscription(subscriptionId)).result();
  }

  async isRunning(subscriptionId: string, where = this.home()): Promise<boolean> {
    try {
      const description = await where.client.workflow.getHandle(workflowIds.subscription(subscriptionId)).describe();
      return description.status.name === 'RUNNING';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }
}

/**
 * A world for each test of a file: the simulator has one clock, and what one test has lived through would be the next one's
 * past. `open` makes another one beside it, which ends with the test, too.
 */
export function subscriptionsForEachTest(options: WorldOptions = {}): {
  readonly world: () => World;
  readonly subscriptions: Subscriptions;
  readonly open: (options: WorldOptions) => Promise<World>;
} {
  let worlds: World[] = [];
  const open = async (more: WorldOptions): Promise<World> => {
    const made = await createWorld({ ...options, ...more, dunning: { ...LOUD, ...options.dunning, ...more.dunning } });
    let closing: Promise<void> | undefined;
    const world = { ...made, close: () => (closing ??= made.close()) };
    worlds.push(world);
    return world;
  };
  const current = (): World => {
    const [world] = worlds;
    if (world === undefined) throw new Error('the world is made in beforeEach');
    return world;
  };
  beforeEach(async () => void (await open({})));
  afterEach(async () => {
    const ending = worlds;
    worlds = [];
    for (const world of ending) await world.close();
  });
  afterAll(() => closeConnections());
  return { world: current, subscriptions: new Subscriptions(current), open };
}
