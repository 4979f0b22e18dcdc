import type { Client } from '@temporalio/client';
import { DEFAULT_DUNNING_POLICY } from '../../../workflows/domain/dunning/policy';
import type { DunningPolicy } from '../../../workflows/domain/subscription/subscription';
import { workflowIds, workflowTypes } from '../../../workflows/messages';
import {
  getSubscriptionStatus,
  paySubscription,
  type PayAnswer,
  type SubscriptionInput,
  type SubscriptionStatus,
} from '../../../workflows/subscription/messages';
import type { CallOptions } from '../client';
import type { StartOptions } from '../requests';
import { withoutUndefined } from '../requests';
import { paymentMethodRequest, type PaymentMethodRequest } from '../../schemas/orders';
import type { SendUpdate } from '../send-update';
import { subscriptionParams } from '../../schemas/subscriptions';
import { parse } from '../../schemas/validate';

/** Where a subscription's requests go, and under which policy one is followed that nobody follows yet. */
export interface SubscriptionTarget {
  readonly taskQueue: string;
  readonly dunning?: Partial<DunningPolicy>;
}

/** A subscription's own workflow; one that had ended is started anew: it looks, answers and ends, or goes on. */
export function subscriptionStart(subscriptionId: string, target: SubscriptionTarget): StartOptions {
  const input: SubscriptionInput = { subscriptionId, policy: { ...DEFAULT_DUNNING_POLICY, ...target.dunning } };
  return {
    workflowId: workflowIds.subscription(subscriptionId),
    taskQueue: target.taskQueue,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `Subscription ${subscriptionId}`,
  };
}

/** Holdfast's verbs for subscriptions. Errors are those of every verb. */
export interface SubscriptionVerbs {
  /** Makes a payment method a subscription's default and pays what is owed with it: also the way back at any time. */
  paySubscription(subscriptionId: string, request: PaymentMethodRequest, options?: CallOptions): Promise<PayAnswer>;
  /** What a subscription's workflow does and whom it waits for. Needs a worker; Postgres answers without one. */
  subscriptionStatus(subscriptionId: string): Promise<SubscriptionStatus>;
}

/** The verbs over a Temporal client. */
export function subscriptionVerbs(
  target: SubscriptionTarget & { readonly client: Client; readonly send: SendUpdate },
): SubscriptionVerbs {
  return {
    async paySubscription(subscriptionId, request, options = {}) {
      const { subscriptionId: id } = parse(subscriptionParams, { subscriptionId });
      const argument = parse(paymentMethodRequest, withoutUndefined(request));
      const start = subscriptionStart(id, target);
      const update = { type: workflowTypes.subscription, start, update: paySubscription, argument };
      return target.send(update, options);
    },
    async subscriptionStatus(subscriptionId) {
      const { subscriptionId: id } = parse(subscriptionParams, { subscriptionId });
      return target.client.workflow.getHandle(workflowIds.subscription(id)).query(getSubscriptionStatus);
    },
  };
}
