import type { DisputePolicy } from '../workflows/domain/dispute-plan';
import type { FraudWarningPolicy } from '../workflows/domain/fraud-warning';
import type { RefundPolicy } from '../workflows/domain/refund';
import type { DisputeInput, FraudWarningInput } from '../workflows/dispute-messages';
import { workflowIds } from '../workflows/messages';
import { searchAttributes } from '../workflows/search-attributes';
import type { StartOptions } from './requests';

/** A dispute's own workflow, started anew where it had ended: it looks at the provider, and ends again where it is over. */
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
    staticDetails: `Dispute ${disputeId}, from the bank's first word to its last`,
    ...(orderId !== undefined && { typedSearchAttributes: [{ key: searchAttributes.orderId, value: orderId }] }),
  };
}

/** An early fraud warning's own workflow, likewise. */
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
