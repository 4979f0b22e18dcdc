import type { DisputeAnswer, DisputeCommand } from '../../../workflows/dispute/messages';
import { decideDispute, disputeChanged } from '../../../workflows/dispute/messages';
import { DEFAULT_DISPUTE_POLICY } from '../../../workflows/domain/dispute/plan';
import type { DunningPolicy } from '../../../workflows/domain/subscription/subscription';
import { workflowIds, workflowTypes } from '../../../workflows/kit/names';
import { disputeStart } from '../../../workflows/dispute/start';
import { sha256 } from '../../../clients/client/fingerprint';
import { subscriptionStart } from '../../../workflows/subscription/start';
import { waitFor } from '../../../workers/dependencies/poll';
import { sampleCart } from '../../support/carts';
import { uniqueName } from '../../support/environment';
import { hasWorkflow, parcel, twoLines } from '../../support/shop';
import type { FaultWorld } from '../fault-world';
import { CasePlan } from '../plan';
import type { Fault } from '../plan';
import { LIMIT_MS, RETRY_PAUSE_MS, WorkflowPlay } from '../workflow-play';

/** How often a command whose outcome is not known is sent again. */
const MAX_ASKS = 6;

/** What a refund's customer says. */
const REASON = 'requested_by_customer';

/** Card and time zone of a subscriber, and what their bank says to renewals. */
export interface Subscriber {
  readonly renewals?: string | readonly string[];
  readonly trialDays?: number;
}

type Answer = { readonly accepted: boolean; readonly reason?: string; readonly outcome?: string };

/** One case after the sale: its order or subscription, what is asked of it, and how to move its clock. */
export class AfterSalePlay extends WorkflowPlay {
  readonly plan: CasePlan;
  /** Workflows that the case breaks and that must not fail. */
  readonly workflows: string[] = [];
  readonly refundIds: string[] = [];
  readonly answers: Answer[] = [];
  /** What was wrong between two steps, though it may heal later. */
  readonly seen: string[] = [];
  orderId = '';
  disputeId = '';
  subscriptionId = '';
  timeZone = 'UTC';
  /** When the subscription's period ends. */
  renewalMs = 0;
  private startMs = 0;

  constructor(world: FaultWorld, name: string, faults: readonly Fault[]) {
    super(world, name);
    this.plan = new CasePlan(name, faults);
    this.plan.ids = () =>
      [this.orderId, ...this.subjects, ...this.intents().map((one) => one.id)].filter((one) => one !== '');
  }

  owns(workflowId: string): boolean {
    return this.workflows.includes(workflowId);
  }

  /** An order of which these parcels have shipped: each takes its money from an authorization of its own. */
  async ship(...parcels: readonly (readonly { sku: string; quantity: number }[])[]): Promise<void> {
    const { holdfast } = this.world;
    const answer = await holdfast.checkout(sampleCart({ lines: twoLines, taxAmount: 1000 }));
    if (answer.state !== 'placed') throw new Error(`not placed: ${JSON.stringify(answer)}`);
    this.orderId = answer.orderId;
    await waitFor('the order to have its workflow', LIMIT_MS, async () =>
      (await hasWorkflow(this.world.client, this.orderId)) ? true : undefined,
    );
    for (const lines of parcels) {
      const shipped = await holdfast.ship(this.orderId, parcel([...lines]));
      if (!shipped.accepted) throw new Error(`not shipped: ${JSON.stringify(shipped)}`);
    }
  }

  /** The order's payments as the simulator has them. */
  intents() {
    const all = this.world.simulator.state.paymentIntents();
    return all.filter((one) => one.metadata['holdfast_order_id'] === this.orderId);
  }

  providerRefunds() {
    const all = this.world.simulator.state.refunds();
    return all.filter((one) => one.metadata?.['holdfast_order_id'] === this.orderId);
  }

  async refund(body: { readonly amount?: number }): Promise<void> {
    const idempotencyKey = 'refund';
    // As the client makes it of the key, so that its workflow is known before it begins.
    const refundId = `rf_${sha256(`${this.orderId}:${idempotencyKey}`).slice(0, 32)}`;
    this.refundIds.push(refundId);
    this.watch(workflowIds.refund(refundId));
    await this.ask(workflowIds.refund(refundId), () =>
      this.world.holdfast.refund(this.orderId, { ...body, reason: REASON }, { idempotencyKey }),
    );
  }

  async settleByTransfer(): Promise<void> {
    await this.ask(this.refundWorkflow, () =>
      this.world.holdfast.resolveRefund(
        this.refundId,
        { action: 'manual_transfer', reference: 'bank-1' },
        { idempotencyKey: uniqueName('resolve') },
      ),
    );
  }

  async refundAgain(): Promise<void> {
    const again = `${this.refundId}-2`;
    this.watch(workflowIds.refund(again));
    await this.ask(this.refundWorkflow, () =>
      this.world.holdfast.resolveRefund(
        this.refundId,
        { action: 'another_refund' },
        { idempotencyKey: uniqueName('resolve') },
      ),
    );
    this.refundIds.push(again);
  }

  async takeRefundBack(): Promise<void> {
    await this.ask(this.refundWorkflow, () =>
      this.world.holdfast.cancelRefund(this.refundId, {}, { idempotencyKey: uniqueName('cancel') }),
    );
  }

  /** The customer's bank disputes the newest payment. */
  openDispute(kind: 'dispute' | 'inquiry' = 'dispute'): void {
    const taken = this.intents().find((one) => one.amount_received > 0);
    if (taken === undefined) throw new Error(`nothing of order ${this.orderId} is captured`);
    this.disputeId = this.world.simulator.openDispute({ paymentIntent: taken.id, kind }).id;
  }

  /** Starts the dispute's workflow as a webhook would. */
  async followDispute(watched = true): Promise<void> {
    const { client, workerSettings } = this.world;
    const workflowId = workflowIds.dispute(this.disputeId);
    if (watched) this.watch(workflowId);
    const start = disputeStart(this.disputeId, {
      taskQueue: workerSettings.taskQueue,
      policy: DEFAULT_DISPUTE_POLICY,
    });
    const { workflowIdConflictPolicy: _policy, ...options } = start;
    await client.workflow.signalWithStart(workflowTypes.dispute, { ...options, signal: disputeChanged });
    await this.quiet(workflowId);
  }

  async decideDispute(command: Partial<DisputeCommand> = {}): Promise<void> {
    const workflowId = workflowIds.dispute(this.disputeId);
    const handle = this.world.client.workflow.getHandle(workflowId);
    await this.ask<DisputeAnswer>(workflowId, () =>
      handle.executeUpdate(decideDispute, { args: [{ action: 'submit', actor: 'op-1', ...command }] }),
    );
  }

  async cancelOrder(): Promise<void> {
    await this.ask(workflowIds.order(this.orderId), () =>
      this.world.holdfast.cancel(this.orderId, { reason: 'dispute_lost' }),
    );
  }

  /** A customer with a card who subscribes. Nothing of ours knows of it yet. */
  async subscribe({ renewals, trialDays }: Subscriber): Promise<void> {
    const { simulator, dependencies } = this.world;
    const { stripe } = dependencies;
    this.timeZone = zoneOfMidday(simulator.clock.now());
    const metadata = { holdfast_time_zone: this.timeZone };
    const customer = await stripe.customers.create({ email: 'subscriber@example.com', metadata });
    const method = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
    await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: method.id } });
    const product = await stripe.products.create({ name: 'Tea club' });
    const recurring = { interval: 'month' } as const;
    const price = await stripe.prices.create({ product: product.id, currency: 'eur', unit_amount: 1_900, recurring });
    const trial = trialDays === undefined ? {} : { trial_period_days: trialDays };
    const items = [{ price: price.id }];
    const subscription = await stripe.subscriptions.create({ customer: customer.id, items, ...trial });
    type Outcome = Parameters<typeof simulator.issueDecision>[1];
    if (renewals !== undefined) simulator.issueDecision(customer.id, renewals as Outcome);
    this.subscriptionId = subscription.id;
    this.renewalMs = (subscription.items.data[0]?.current_period_end ?? 0) * 1000;
  }

  async followSubscription(dunning: Partial<DunningPolicy> = {}): Promise<void> {
    const { client, workerSettings } = this.world;
    this.watch(workflowIds.subscription(this.subscriptionId));
    const start = subscriptionStart(this.subscriptionId, { taskQueue: workerSettings.taskQueue, dunning });
    await client.workflow.start(workflowTypes.subscription, start);
  }

  async pay(): Promise<void> {
    const idempotencyKey = uniqueName('pay');
    await this.ask(workflowIds.subscription(this.subscriptionId), () =>
      this.world.holdfast.paySubscription(
        this.subscriptionId,
        { paymentMethod: 'pm_card_mastercard' },
        { idempotencyKey },
      ),
    );
  }

  /**
   * Lives on until so long after the case began. The provider's clock goes first, since all cases share it: what a workflow finds
   * must not depend on how far the others are.
   */
  async liveTo(ms: number): Promise<void> {
    await this.liveUntil(this.startMs + ms);
  }

  async liveUntil(atMs: number): Promise<void> {
    this.world.simulator.clock.advanceTo(atMs);
    for (const workflowId of this.workflows) await this.forwardTo(workflowId, atMs);
  }

  begins(): void {
    this.startMs = Date.now();
  }

  /** The provider's deadline for evidence. */
  get dueMs(): number {
    const dispute = this.world.simulator.state.disputes().find((one) => one.id === this.disputeId);
    return (dispute?.evidence_details.due_by ?? 0) * 1000;
  }

  get refundId(): string {
    const [refundId] = this.refundIds;
    if (refundId === undefined) throw new Error(`${this.name}: no refund was asked for`);
    return refundId;
  }

  /** Ids of what notices are about. */
  get subjects(): readonly string[] {
    return [...this.refundIds, this.disputeId, this.subscriptionId].filter((one) => one !== '');
  }

  private get refundWorkflow(): string {
    return workflowIds.refund(this.refundId);
  }

  private watch(workflowId: string): void {
    this.workflows.push(workflowId);
    this.world.board.follow(this.plan, workflowId);
  }

  /** One whose outcome is not known is sent again after the workflow's own retry. */
  private async ask<T extends Answer>(workflowId: string, send: () => Promise<T>): Promise<void> {
    for (let asks = 1; ; asks += 1) {
      const answer = await this.answer(workflowId, send);
      if (answer.accepted || answer.reason !== 'outcome_unknown' || asks >= MAX_ASKS) {
        this.answers.push(answer);
        return;
      }
      await this.quiet(workflowId);
      await this.forward(workflowId, RETRY_PAUSE_MS);
    }
  }
}

const MIDDAY = 12;

/** A zone without changes of its clock in which it is about midday: whether it is quiet must not depend on when tests run. */
function zoneOfMidday(nowMs: number): string {
  const offset = MIDDAY - new Date(nowMs).getUTCHours();
  // The sign of these names is turned round: Etc/GMT-2 is two hours ahead of UTC.
  return offset === 0 ? 'Etc/UTC' : `Etc/GMT${offset > 0 ? '-' : '+'}${Math.abs(offset)}`;
}
