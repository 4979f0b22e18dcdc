import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { ApplicationFailure } from '@temporalio/common';
import type { CheckoutAnswer, CheckoutRequest, HoldfastClient } from '../../clients/client';
import { createHoldfastClient } from '../../clients/client';
import { failureTypes } from '../../workflows/domain/shared/errors';
import type { FailureType } from '../../workflows/domain/shared/errors';
import type { OrderPolicy } from '../../workflows/domain/shared/policy';
import { workflowIds } from '../../workflows/kit/names';
import { sampleCart } from '../support/carts';
import { Disputes } from '../support/disputes';
import { getConnection, testEnvironment, uniqueName } from '../support/environment';
import { eventually } from '../support/time/eventually';
import { Shop } from '../support/shop';
import { Subscriptions } from '../support/subscriptions';
import { hasWorkflow } from '../support/shop';
import { fastForward } from '../support/time/time';
import type { World, WorldOptions } from '../support/world';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Just after the order has acted on a hold of seven days, well before its end. */
export const HOLD_ACTED_ON_MS = 7 * DAY_MS - 11 * HOUR_MS;

/** An activity that fails for good the first time: before its effect, or after it and before anybody was told. */
export interface ActivityFault {
  readonly activity: string;
  readonly when: 'before' | 'after';
  readonly type?: FailureType;
}

/** A path to its end. `play` answers with the workflow whose history tells of it. */
export interface Path {
  /** The history's file name. */
  readonly name: string;
  readonly simulator?: WorldOptions['simulator'];
  readonly dunning?: WorldOptions['dunning'];
  readonly disputes?: WorldOptions['disputes'];
  readonly policy?: Partial<OrderPolicy>;
  readonly faults?: readonly ActivityFault[];
  /** An operator cancels the workflow in Temporal just after this activity has had its effect. */
  readonly cancelDuring?: string;
  play(stage: Stage): Promise<Target>;
}

export interface Target {
  readonly workflowId: string;
  /** The last run, unless it is named. */
  readonly runId?: string;
}

/** What most paths need of a world. */
export class Stage {
  readonly holdfast: HoldfastClient;
  readonly disputes: Disputes;
  readonly subscriptions: Subscriptions;
  private parcels = 0;

  constructor(
    readonly world: World,
    policy: Partial<OrderPolicy> = {},
  ) {
    this.holdfast = createHoldfastClient({ client: world.client, taskQueue: world.taskQueue, policy });
    const home = () => world;
    this.disputes = new Disputes(home, new Shop(home));
    this.subscriptions = new Subscriptions(home);
  }

  cart(changes: Partial<CheckoutRequest> = {}): CheckoutRequest {
    return sampleCart({
      customer: { id: uniqueName('cust'), email: 'buyer.sample@customer.test', name: 'Sample Buyer' },
      lines: [
        { sku: 'MUG-BLUE', quantity: 2, unitAmount: 1290 },
        { sku: 'TEAPOT-1L', quantity: 1, unitAmount: 3900 },
      ],
      taxAmount: 1000,
      shippingAddress: { line1: '7 Recording Lane', city: 'Testville', postalCode: '12345', country: 'DE' },
      ...changes,
    });
  }

  /** Places an order and waits until it lives. */
  async place(changes: Partial<CheckoutRequest> = {}): Promise<string> {
    const answer = await this.holdfast.checkout(this.cart(changes));
    const { orderId } = expectState(answer, 'placed');
    await eventually('the order to have its workflow', () => hasWorkflow(this.world.client, orderId));
    return orderId;
  }

  async until(
    orderId: string,
    holds: (
      view: NonNullable<Awaited<ReturnType<World['dependencies']['queries']['getOrder']>>>,
    ) => boolean | Promise<boolean>,
  ): Promise<void> {
    await eventually('the order to come that far', async () => {
      const view = await this.world.dependencies.queries.getOrder(orderId);
      return view !== undefined && holds(view);
    });
  }

  mugs(quantity: number) {
    return this.parcel([{ sku: 'MUG-BLUE', quantity }]);
  }

  teapot() {
    return this.parcel([{ sku: 'TEAPOT-1L', quantity: 1 }]);
  }

  everything() {
    return this.parcel([
      { sku: 'MUG-BLUE', quantity: 2 },
      { sku: 'TEAPOT-1L', quantity: 1 },
    ]);
  }

  /** Ships what is there, records the delivery, and waits for the order's end. */
  async shipAndDeliver(orderId: string, parcel = this.everything()): Promise<Target> {
    expectAccepted(await this.holdfast.ship(orderId, parcel));
    return this.deliver(orderId);
  }

  async deliver(orderId: string): Promise<Target> {
    expectAccepted(await this.holdfast.deliver(orderId));
    return this.end(workflowIds.order(orderId));
  }

  async end(workflowId: string): Promise<Target> {
    await this.world.client.workflow.getHandle(workflowId).result();
    return { workflowId };
  }

  async forward(workflowId: string, ms: number): Promise<void> {
    await fastForward(await getConnection(), testEnvironment().temporalNamespace, workflowId, ms);
  }

  forwardOrder(orderId: string, ms: number): Promise<void> {
    return this.forward(workflowIds.order(orderId), ms);
  }

  intents(orderId: string) {
    return this.world.simulator.state
      .paymentIntents()
      .filter((intent) => intent.metadata['holdfast_order_id'] === orderId);
  }

  /** From now on the bank refuses this customer's charges that are made without them. */
  refuseRenewals(orderId: string): void {
    this.world.simulator.issueDecision(String(this.intents(orderId)[0]?.customer), 'insufficient_funds');
  }

  private parcel(lines: { sku: string; quantity: number }[]) {
    this.parcels += 1;
    return { lines, carrier: 'dhl', trackingNumber: `REC${this.parcels}` };
  }
}

/** A path that does not come to where it leads is not recorded. */
export function expectState<State extends CheckoutAnswer['state']>(
  answer: CheckoutAnswer,
  state: State,
): Extract<CheckoutAnswer, { state: State }> {
  if (answer.state !== state) throw new Error(`expected ${state}, got ${JSON.stringify(answer)}`);
  return answer as Extract<CheckoutAnswer, { state: State }>;
}

export function expectAccepted<Answer extends { readonly accepted: boolean }>(answer: Answer): Answer {
  if (!answer.accepted) throw new Error(`refused: ${JSON.stringify(answer)}`);
  return answer;
}

export function expectRefused(answer: { readonly accepted: boolean; readonly reason?: string }, reason: string): void {
  if (answer.reason !== reason) throw new Error(`expected ${reason}, got ${JSON.stringify(answer)}`);
}

/** Makes activities fail for good, each fault once, without touching what they do. */
export function failOnce(faults: readonly ActivityFault[]): ActivityInterceptorsFactory {
  const left = [...faults];
  return (context) => ({
    inbound: {
      async execute(input, next) {
        const index = left.findIndex((fault) => fault.activity === context.info.activityType);
        const [fault] = index < 0 ? [] : left.splice(index, 1);
        if (fault === undefined) return next(input);
        if (fault.when === 'after') await next(input);
        throw ApplicationFailure.nonRetryable('made to fail', fault.type ?? failureTypes.defect);
      },
    },
  });
}

/** Cancels the workflow while this activity runs: after its effect, before its answer. */
export function cancelDuring(activity: string | undefined): ActivityInterceptorsFactory {
  return (context) => ({
    inbound: {
      async execute(input, next) {
        const result: unknown = await next(input);
        const { activityType, workflowExecution } = context.info;
        if (activityType === activity && workflowExecution !== undefined) {
          const connection = await getConnection();
          const { temporalNamespace: namespace } = testEnvironment();
          await connection.workflowService.requestCancelWorkflowExecution({ namespace, workflowExecution });
        }
        return result;
      },
    },
  });
}
