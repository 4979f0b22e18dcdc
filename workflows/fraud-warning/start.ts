import type { FraudWarningPolicy } from '../domain/dispute/fraud-warning';
import type { RefundPolicy } from '../domain/refund/refund';
import type { FraudWarningInput } from './messages';
import { workflowIds } from '../kit/names';
import { searchAttributes } from '../kit/search-attributes';
import type { StartOptions } from '../kit/start';

/** Start options of an early fraud warning's workflow. One that has ended is started anew: it looks at the provider first. */
export function fraudWarningStart(
  warningId: string,
  options: { taskQueue: string; policy: FraudWarningPolicy; refundPolicy: RefundPolicy; orderId?: string },
): StartOptions {
  const { taskQueue, policy, refundPolicy, orderId } = options;
  const input: FraudWarningInput = { warningId, policy, refundPolicy, ...(orderId !== undefined && { orderId }) };
  return {
    workflowId: workflowIds.fraudWarning(warningId),
    taskQueue,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `Early fraud warning ${warningId}`,
    staticDetails: `Early fraud warning ${warningId}: refund before it is disputed, or not`,
    ...(orderId !== undefined && { typedSearchAttributes: [{ key: searchAttributes.orderId, value: orderId }] }),
  };
}
