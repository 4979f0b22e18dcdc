import type { WorkflowHandle } from '@temporalio/client';
import { isGrpcServiceError } from '@temporalio/client';
import type { WorkflowStatus } from '../../workflows/kit/messages';
import { searchAttributes } from '../../workflows/kit/search-attributes';
import type { Party } from '../../workflows/domain/shared/waiting';

/** How the server refuses a query before the first workflow task, with a worker or without. */
const ASLEEP = 'Workflow task is not scheduled yet';

/**
 * The status of an order that sleeps until its first deadline, from what its start shows. @throws the error of the query where the
 * order does not sleep
 */
export async function statusAsleep(orderId: string, handle: WorkflowHandle, error: unknown): Promise<WorkflowStatus> {
  const cause = error instanceof Error ? error.cause : undefined;
  if (!isGrpcServiceError(cause) || !cause.details.startsWith(ASLEEP)) throw error;
  const { typedSearchAttributes } = await handle.describe();
  const on = typedSearchAttributes.get(searchAttributes.waitingOn) as Party | undefined;
  const until = typedSearchAttributes.get(searchAttributes.waitingUntil)?.toISOString();
  const why = 'the order sleeps until its first deadline, or until something is asked of it';
  return { orderId, step: 'asleep', waiting: on === undefined || until === undefined ? null : { on, until, why } };
}
