import type { DisputeInput } from './messages';
import type { DisputePolicy } from '../domain/dispute/plan';
import { workflowIds } from '../kit/names';
import { searchAttributes } from '../kit/search-attributes';
import type { StartOptions } from '../kit/start';

/** Start options of a dispute's workflow. One that has ended is started anew: it looks at the provider, and ends or goes on. */
export function disputeStart(
  disputeId: string,
  { taskQueue, policy, orderId }: { taskQueue: string; policy: DisputePolicy; orderId?: string },
): StartOptions {
  const input: DisputeInput = { disputeId, policy, ...(orderId !== undefined && { orderId }) };
  return {
    workflowId: workflowIds.dispute(disputeId),
    taskQueue,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `Dispute ${disputeId}`,
    staticDetails: `Dispute ${disputeId}, from its opening to its close`,
    ...(orderId !== undefined && { typedSearchAttributes: [{ key: searchAttributes.orderId, value: orderId }] }),
  };
}
