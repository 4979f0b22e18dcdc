import type { WorkflowHandle } from '@temporalio/client';
import { isGrpcServiceError } from '@temporalio/client';
import type { WorkflowStatus } from '../../workflows/kit/messages';
import { searchAttributes } from '../../workflows/kit/search-attributes';
import type { Party } from '../../workflows/domain/shared/waiting';

/** The server's refusal of a query before the first workflow task, with or without a worker. */
const ASLEEP = 'Workflow task is not scheduled yet';

/**
 * The status of an order that sleeps until its first deadline, from the options of its start. @throws the error of the query if
 * the order does not sleep
 */
export async function statusAsleep(orderId: string, handle: WorkflowHandle, error: unknown): Promise<WorkflowStatus> {
  const cause = error instanceof Error ? error.cause : undefined;
  if (!isGrpcServiceError(cause) || !cause.details.startsWith(ASLEEP)) throw error;
  const { typedSearchAttributes } = await handle.describe();
  const on = typedSearchAttributes.get(searchAttributes.waitingOn) as Party | undefined;
  const until = typedSearchAttributes.get(searchAttributes.waitingUntil)?.toISOString();
  const why = 'the order sleeps until its first deadline, or until the next command';
  return { orderId, step: 'asleep', waiting: on === undefined || until === undefined ? null : { on, until, why } };
}
