import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, startChild } from '@temporalio/workflow';
import { workflowIds, workflowTypes } from '../kit/names';
import { searchAttributes } from '../kit/search-attributes';
import type { RefundInput } from './messages';

/**
 * Starts the workflow of a refund that is recorded, from another workflow, which it outlives. A child is started by the server
 * with its parent's next step; a client in an activity would be one more thing that can be lost in between.
 */
export async function startRefund(orderId: string, refundId: string, input: RefundInput): Promise<void> {
  try {
    await startChild(workflowTypes.refund, {
      workflowId: workflowIds.refund(refundId),
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      typedSearchAttributes: [{ key: searchAttributes.orderId, value: orderId }],
      staticSummary: `Refund ${refundId} of order ${orderId}`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
