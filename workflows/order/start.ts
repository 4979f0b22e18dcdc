import { workflowIds } from '../kit/names';
import { searchAttributes } from '../kit/search-attributes';
import type { StartOptions } from '../kit/start';
import type { OrderInput } from './messages';

/**
 * An order's own workflow, started anew where it had ended: race-free, and it needs no lookup.
 * @param channel where the caller knows it; the workflow shows it itself once it has read the order
 */
export function orderStart(orderId: string, taskQueue: string, channel?: string): StartOptions {
  const input: OrderInput = { orderId };
  return {
    workflowId: workflowIds.order(orderId),
    taskQueue,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `Order ${orderId}`,
    staticDetails: `Order ${orderId}, from placed to delivered or cancelled`,
    typedSearchAttributes: [
      { key: searchAttributes.orderId, value: orderId },
      ...(channel === undefined ? [] : [{ key: searchAttributes.channel, value: channel }]),
    ],
  };
}
