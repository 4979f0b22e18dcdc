import type { Client } from '@temporalio/client';
import type { CallOptions } from '../options';
import { withoutUndefined } from '../requests';
import type { SendUpdate } from '../send-update';
import { paymentMethodRequest } from '../../schemas/orders';
import type { PaymentMethodRequest } from '../../schemas/orders';
import { subscriptionParams } from '../../schemas/subscriptions';
import { parse } from '../../schemas/validate';
import { workflowIds, workflowTypes } from '../../../workflows/kit/names';
import { getSubscriptionStatus, paySubscription } from '../../../workflows/subscription/messages';
import type { PayAnswer, SubscriptionStatus } from '../../../workflows/subscription/messages';
import { subscriptionStart } from '../../../workflows/subscription/start';
import type { SubscriptionTarget } from '../../../workflows/subscription/start';

/** Holdfast's verbs for subscriptions. Errors are those of every verb. */
export interface SubscriptionVerbs {
  /** Makes a payment method a subscription's default and pays the amount owed with it, at any time. */
  paySubscription(subscriptionId: string, request: PaymentMethodRequest, options?: CallOptions): Promise<PayAnswer>;
  /** What a subscription's workflow does and whom it waits for. Needs a running worker, unlike reads from Postgres. */
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
