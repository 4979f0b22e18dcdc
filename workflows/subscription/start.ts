import { DEFAULT_DUNNING_POLICY } from '../domain/dunning/policy';
import type { DunningPolicy } from '../domain/subscription/subscription';
import { workflowIds } from '../kit/names';
import type { StartOptions } from '../kit/start';
import type { SubscriptionInput } from './messages';

/** Which task queue, and the policy of a subscription whose workflow does not run yet. */
export interface SubscriptionTarget {
  readonly taskQueue: string;
  readonly dunning?: Partial<DunningPolicy>;
}

/** Start options of a subscription's workflow. One that has ended is started anew: it looks, answers, and ends or goes on. */
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
