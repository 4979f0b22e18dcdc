import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { statusAsleep } from './asleep';
import { fingerprint, sha256 } from './fingerprint';
import type { CallOptions } from './options';
import { reconcileDay } from './reconcile';
import { newOrderId, submissionOf, withoutUndefined } from './requests';
import { sendUpdate } from './send-update';
import type { SendUpdate, UpdateCall } from './send-update';
import { disputeVerbs } from './verbs/disputes';
import type { DisputeVerbs } from './verbs/disputes';
import { exceptionVerbs } from './verbs/exceptions';
import type { ExceptionVerbs } from './verbs/exceptions';
import type { OrderVerbs } from './verbs/orders';
import { refundVerbs } from './verbs/refunds';
import type { RefundTarget, RefundVerbs } from './verbs/refunds';
import { subscriptionVerbs } from './verbs/subscriptions';
import type { SubscriptionVerbs } from './verbs/subscriptions';
import { parse, parseCheckout, parseDelivery, parseShipment } from '../schemas/validate';
import { submitCheckout } from '../../workflows/checkout/messages';
import { checkoutStart } from '../../workflows/checkout/start';
import type { FraudWarningPolicy } from '../../workflows/domain/dispute/fraud-warning';
import type { DisputePolicy } from '../../workflows/domain/dispute/plan';
import type { RefundPolicy } from '../../workflows/domain/refund/refund';
import { DEFAULT_POLICY } from '../../workflows/domain/shared/policy';
import type { OrderPolicy } from '../../workflows/domain/shared/policy';
import type { DunningPolicy } from '../../workflows/domain/subscription/subscription';
import { getStatus } from '../../workflows/kit/messages';
import type { WorkflowStatus } from '../../workflows/kit/messages';
import { workflowIds, workflowTypes } from '../../workflows/kit/names';
import { cancelOrder, decideHold, deliverOrder, renewPayment, shipOrder } from '../../workflows/order/messages';
import { orderStart } from '../../workflows/order/start';

import * as schemas from '../schemas/orders';

export interface HoldfastClientOptions {
  /** A connected Temporal client with the same data converter as the workers. */
  readonly client: Client;
  /** The workers' task queue. Default `holdfast`. */
  readonly taskQueue?: string;
  /** The shop's policy for orders placed through this client; missing values come from DEFAULT_POLICY. */
  readonly policy?: Partial<OrderPolicy>;
  /** The policy for refunds requested through this client; missing values come from DEFAULT_REFUND_POLICY. */
  readonly refunds?: Partial<RefundPolicy>;
  /** The policy for disputes and early fraud warnings that no workflow follows yet. */
  readonly disputes?: Partial<DisputePolicy>;
  readonly fraudWarnings?: Partial<FraudWarningPolicy>;
  /** The policy for subscriptions that no workflow follows yet; missing values come from DEFAULT_DUNNING_POLICY. */
  readonly dunning?: Partial<DunningPolicy>;
  /** How long one call waits for its answer, in milliseconds. Default 25 s. */
  readonly waitMs?: number;
}

/**
 * Holdfast's verbs for backend code. Every verb throws ValidationError if the request is invalid (nothing was sent),
 * OutcomePending if there is no answer in time, ServiceUnavailable if Temporal does not accept the request (after these two,
 * sending the same request again is safe), and Misconfigured if Temporal refuses it until its operator has changed something.
 * Business outcomes, including refusals, are answers.
 */
export interface HoldfastClient extends OrderVerbs, SubscriptionVerbs, RefundVerbs, DisputeVerbs, ExceptionVerbs {
  /** What the order's workflow does and whom it waits for. Needs a running worker, unlike reads from Postgres. */
  status(orderId: string): Promise<WorkflowStatus>;
  /** The order's workflow as Temporal describes it. */
  describe(orderId: string): Promise<WorkflowExecutionDescription>;
  /**
   * Resolves once no call is under way. Wait for it before the connection is closed: while Temporal is away the
   * SDK retries for some seconds after the bounded wait, and throws an unhandled error if the connection has been closed.
   */
  drain(): Promise<void>;
}

/** Longer than a slow card authorization, shorter than the 30 s after which most proxies give up on a request. */
const DEFAULT_WAIT_MS = 25_000;

/** The actor of requests without one. */
const DEFAULT_ACTOR = 'api';

/** Builds the typed client over a Temporal client. */
export function createHoldfastClient(options: HoldfastClientOptions): HoldfastClient {
  const { client, taskQueue = 'holdfast', waitMs = DEFAULT_WAIT_MS } = options;
  const policy: OrderPolicy = { ...DEFAULT_POLICY, ...options.policy };
  const { track, drain } = callsUnderWay();
  const send: SendUpdate = (update, call) =>
    sendUpdate(client, { ...update, updateId: updateIdFor(update, call), waitMs, track });
  const handleOf = (orderId: string) =>
    client.workflow.getHandle(workflowIds.order(parse(schemas.orderParams, { orderId }).orderId));

  /** Sends a command to a running order, or starts its workflow again: that of an order that is done loads its facts, refuses and ends. */
  const command = <Answer, Command>(
    orderId: string,
    update: UpdateCall<Answer, Command>['update'],
    argument: Command,
    call: CallOptions,
  ): Promise<Answer> => {
    const start = orderStart(parse(schemas.orderParams, { orderId }).orderId, taskQueue);
    return send({ type: workflowTypes.order, start, update, argument }, call);
  };

  const cancelUnder: RefundTarget['cancel'] = (orderId, argument, call) =>
    command(orderId, cancelOrder, argument, call);

  return {
    ...refundVerbs({ send, taskQueue, defaultActor: DEFAULT_ACTOR, policy: options.refunds, cancel: cancelUnder }),
    ...disputeVerbs({
      ...{ send, taskQueue, defaultActor: DEFAULT_ACTOR },
      ...{ policy: options.disputes, fraudWarningPolicy: options.fraudWarnings, refundPolicy: options.refunds },
    }),
    ...exceptionVerbs({ client, send, taskQueue }),
    ...subscriptionVerbs({ client, send, taskQueue, ...(options.dunning && { dunning: options.dunning }) }),
    async checkout(request, call = {}) {
      const argument = submissionOf(parseCheckout(withoutUndefined(request)), policy);
      const update = {
        type: workflowTypes.checkout,
        start: checkoutStart(newOrderId(), argument, taskQueue),
        update: submitCheckout,
        argument,
      };
      return send(update, call);
    },
    async ship(orderId, request, call = {}) {
      const { warehouseId, ...parsed } = parseShipment(withoutUndefined(request));
      return command(orderId, shipOrder, { ...parsed, ...(warehouseId !== undefined && { warehouseId }) }, call);
    },
    async cancel(orderId, request, call = {}) {
      const { reason, actor = DEFAULT_ACTOR } = parse(schemas.cancelRequest, withoutUndefined(request));
      return cancelUnder(orderId, { reason, actor }, call);
    },
    async deliver(orderId, request = {}, call = {}) {
      const nowMs = Date.now();
      const { shipmentId, deliveredAt } = parseDelivery(withoutUndefined(request), nowMs);
      const at = deliveredAt ?? new Date(nowMs).toISOString();
      return command(orderId, deliverOrder, { ...(shipmentId !== undefined && { shipmentId }), deliveredAt: at }, call);
    },
    async renewPayment(orderId, request, call = {}) {
      return command(orderId, renewPayment, parse(schemas.paymentMethodRequest, withoutUndefined(request)), call);
    },
    async decideHold(orderId, request, call = {}) {
      const { action, actor = DEFAULT_ACTOR } = parse(schemas.holdDecisionRequest, withoutUndefined(request));
      return command(orderId, decideHold, { action, actor }, call);
    },
    async reconcile(date) {
      return reconcileDay(client, { date, taskQueue, waitMs, nowMs: Date.now() });
    },
    async status(orderId) {
      const handle = handleOf(orderId);
      return handle.query(getStatus).catch((error: unknown) => statusAsleep(orderId, handle, error));
    },
    describe: async (orderId) => handleOf(orderId).describe(),
    drain,
  };
}

function callsUnderWay(): { readonly track: (sent: Promise<unknown>) => void; readonly drain: () => Promise<void> } {
  const underWay = new Set<Promise<unknown>>();
  return {
    track: (sent) => {
      const forget = (): boolean => underWay.delete(sent);
      underWay.add(sent);
      sent.then(forget, forget);
    },
    async drain() {
      await Promise.allSettled([...underWay]);
    },
  };
}

/** The id covers the contents, too: the same key with other contents is another request. Hashed, because the UI and histories show ids. */
function updateIdFor({ update, argument }: Parameters<SendUpdate>[0], call: CallOptions): string | undefined {
  if (call.idempotencyKey === undefined) return undefined;
  return sha256(`${update.name}:${call.idempotencyKey}:${fingerprint(argument)}`).slice(0, 32);
}
