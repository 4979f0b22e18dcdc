import type { WorkflowExecutionDescription } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import { OutcomePending, ServiceUnavailable } from '../../clients';
import type {
  CancelAnswer,
  CheckoutAnswer,
  CheckoutRequest,
  DeliverAnswer,
  ShipAnswer,
  ShipmentRequest,
} from '../../clients';
import { waitFor } from '../../workers/embedded/poll';
import { sampleCart } from '../support/carts';
import { getConnection, testEnvironment } from '../support/environment';
import { fastForward, virtualTime } from '../support/time';
import type { PaymentIntent } from '../../workers/embedded/stripe/model';
import type { FaultWorld } from './fault-world';
import { CasePlan } from './plan';
import type { Fault } from './plan';

/** A killed worker's activities are tried again after their 30 s, and its workflow tasks after 10 s; both may follow. */
const LIMIT_MS = 120_000;

/** Steps that failed for good are tried again after 10 minutes. */
export const RETRY_PAUSE_MS = 11 * 60_000;

/** Looks in a row at a workflow that has nothing under way, before it is taken to be waiting: one poll may fall between two tasks. */
const QUIET_LOOKS = 3;

/** How often a command whose outcome is not known is sent again. */
const MAX_ASKS = 6;

/** One case being played: its answers, and how to move its clock. */
export class Play {
  readonly plan: CasePlan;
  readonly cart: CheckoutRequest;
  checkoutAnswer: CheckoutAnswer | undefined;
  readonly shipAnswers: { readonly request: ShipmentRequest; readonly answer: ShipAnswer }[] = [];
  cancelAnswer: CancelAnswer | undefined;
  deliverAnswer: DeliverAnswer | undefined;

  constructor(
    readonly world: FaultWorld,
    readonly name: string,
    faults: readonly Fault[],
    changes: Partial<CheckoutRequest>,
  ) {
    this.cart = sampleCart(changes);
    this.plan = new CasePlan(this.cart.cartId, faults);
    world.board.add(this.plan);
  }

  /** Known from the first activity on. */
  get orderId(): string {
    if (this.plan.orderId === undefined) throw new Error(`${this.name}: no activity was seen`);
    return this.plan.orderId;
  }

  get placed(): boolean {
    return this.checkoutAnswer?.state === 'placed';
  }

  get workflowIds(): { readonly checkout: string; readonly order: string } {
    return { checkout: `checkout-${this.cart.cartId}`, order: `order-${this.plan.orderId ?? 'none'}` };
  }

  async checkout(): Promise<void> {
    this.checkoutAnswer = await this.answer(this.workflowIds.checkout, () => this.world.holdfast.checkout(this.cart));
  }

  async ship(request: ShipmentRequest): Promise<void> {
    const answer = await this.command((orderId) => this.world.holdfast.ship(orderId, request));
    this.shipAnswers.push({ request, answer });
  }

  async cancel(): Promise<void> {
    this.cancelAnswer = await this.command((orderId) =>
      this.world.holdfast.cancel(orderId, { reason: 'customer_changed_mind' }),
    );
  }

  async deliver(): Promise<void> {
    this.deliverAnswer = await this.command((orderId) => this.world.holdfast.deliver(orderId));
  }

  /** A command to the order; one whose outcome is not known is sent again after the workflow's own retry. */
  private async command<T extends ShipAnswer | CancelAnswer | DeliverAnswer>(
    send: (orderId: string) => Promise<T>,
  ): Promise<T> {
    for (let asks = 1; ; asks += 1) {
      const answer = await this.answer(this.workflowIds.order, () => send(this.orderId));
      if (answer.accepted || answer.reason !== 'outcome_unknown' || asks >= MAX_ASKS) return answer;
      await this.quiet(this.workflowIds.order);
      await this.forward(this.workflowIds.order, RETRY_PAUSE_MS);
    }
  }

  /** Waits for an answer; while the workflow only waits for its own timer, its clock is moved on. */
  private async answer<T>(workflowId: string, send: () => Promise<T>): Promise<T> {
    let settled: { readonly value: T } | { readonly error: unknown } | undefined;
    const sent = (): void =>
      void send().then(
        (value) => (settled = { value }),
        (error: unknown) => {
          // Nothing is known yet: the same again is safe.
          if (error instanceof OutcomePending || error instanceof ServiceUnavailable) sent();
          else settled = { error };
        },
      );
    sent();
    let looks = 0;
    const done = await waitFor(`the answer to ${this.name}`, LIMIT_MS, async () => {
      if (settled !== undefined) return settled;
      looks = (await this.idle(workflowId)) ? looks + 1 : 0;
      if (looks > 2 * QUIET_LOOKS && settled === undefined) {
        looks = 0;
        await this.forward(workflowId, RETRY_PAUSE_MS);
      }
      return settled;
    });
    if ('error' in done) throw done.error;
    return done.value;
  }

  /** Waits until a workflow has nothing under way; undefined where there is no such workflow. */
  async quiet(workflowId: string): Promise<WorkflowExecutionDescription | undefined> {
    let looks = 0;
    let last: WorkflowExecutionDescription | undefined;
    await waitFor(`${workflowId} (${this.name}) to settle`, LIMIT_MS, async () => {
      last = await this.describe(workflowId);
      if (last === undefined || last.status.name !== 'RUNNING') return true;
      looks = isIdle(last) ? looks + 1 : 0;
      return looks >= QUIET_LOOKS ? true : undefined;
    });
    return last;
  }

  async describe(workflowId: string): Promise<WorkflowExecutionDescription | undefined> {
    try {
      return await this.world.client.workflow.getHandle(workflowId).describe();
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  }

  private async idle(workflowId: string): Promise<boolean> {
    const description = await this.describe(workflowId);
    return description !== undefined && description.status.name === 'RUNNING' && isIdle(description);
  }

  /** The order's workflow, started by the relay. */
  async orderStarted(): Promise<void> {
    await waitFor(`the order of ${this.name} to be started`, LIMIT_MS, () => this.describe(this.workflowIds.order));
  }

  /** The order's payments as the simulator has them. */
  intents(): readonly Readonly<PaymentIntent>[] {
    const all = this.world.simulator.state.paymentIntents();
    return all.filter((one) => one.metadata['holdfast_order_id'] === this.plan.orderId);
  }

  /** Moves the clock of a workflow that runs; one that has ended has no clock. */
  async forward(workflowId: string, durationMs: number): Promise<void> {
    if (!(durationMs > 0)) return;
    try {
      await fastForward(await getConnection(), testEnvironment().temporalNamespace, workflowId, durationMs);
    } catch (error) {
      if ((await this.describe(workflowId))?.status.name === 'RUNNING') throw error;
    }
  }

  /** Moves the order's clock on to a time, e.g. of its hold. */
  async forwardOrderTo(atMs: number): Promise<void> {
    const { order } = this.workflowIds;
    const { temporalNamespace } = testEnvironment();
    const nowMs = (await virtualTime(await getConnection(), temporalNamespace, order))?.nowMs ?? Date.now();
    await this.forward(order, atMs - nowMs);
  }
}

function isIdle({ raw }: WorkflowExecutionDescription): boolean {
  const task = raw.pendingWorkflowTask;
  return (raw.pendingActivities ?? []).length === 0 && (task === null || task === undefined);
}
