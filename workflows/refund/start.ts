import { workflowIds } from '../kit/names';
import { searchAttributes } from '../kit/search-attributes';
import type { StartOptions } from '../kit/start';
import type { RefundInput } from './messages';

/**
 * A refund's own workflow; one that had ended is started anew and finds its record.
 * @param orderId where the caller knows it
 */
export function refundStart(
  refundId: string,
  input: RefundInput,
  taskQueue: string,
  orderId = 'request' in input ? input.request.orderId : undefined,
): StartOptions {
  return {
    workflowId: workflowIds.refund(refundId),
    taskQueue,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: orderId === undefined ? `Refund ${refundId}` : `Refund ${refundId} of order ${orderId}`,
    typedSearchAttributes: orderId === undefined ? [] : [{ key: searchAttributes.orderId, value: orderId }],
  };
}
