import { randomUUID } from 'node:crypto';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { Client } from '@temporalio/client';
import type { ResolutionAction } from '../../../workflows/domain/exception/actions';
import { resolveRaised, type ResolveCommand } from '../../../workflows/kit/messages';
import { workflowIds, workflowTypes } from '../../../workflows/kit/names';
import { type CommandAnswer } from '../../../workflows/domain/order/commands';
import type { CallOptions } from '../options';
import { orderStart } from '../../../workflows/order/start';
import type { SendUpdate } from '../send-update';

export type ResolutionAnswer = CommandAnswer<{ readonly action: ResolutionAction }>;

/** Holdfast's verb for exceptions. Errors are those of every verb. */
export interface ExceptionVerbs {
  /**
   * A person's decision on an exception, carried out by the workflow that raised it. `not_running` if that has ended: then
   * the exception can only be dismissed in its record.
   */
  resolveException(
    workflowId: string,
    command: ResolveCommand,
    options?: CallOptions,
  ): Promise<ResolutionAnswer | 'not_running'>;
  /**
   * Can the workflow that raised an exception still act on a decision? An order's always can, because it is started again. True if
   * Temporal does not answer in time, because the decision itself checks again.
   */
  isRunning(workflowId: string): Promise<boolean>;
}

/** Lists are read from Postgres and must not wait long for Temporal. */
const LOOK_LIMIT_MS = 2_000;

const ORDER_PREFIX = workflowIds.order('');

/** The verb over a Temporal client. */
export function exceptionVerbs(target: {
  readonly client: Client;
  readonly send: SendUpdate;
  readonly taskQueue: string;
}): ExceptionVerbs {
  const { client, send, taskQueue } = target;
  return {
    async isRunning(workflowId) {
      if (workflowId.startsWith(ORDER_PREFIX)) return true;
      try {
        const describe = () => client.workflow.getHandle(workflowId).describe();
        const { status } = await client.connection.withDeadline(Date.now() + LOOK_LIMIT_MS, describe);
        return status.name === 'RUNNING';
      } catch (error) {
        return !(error instanceof WorkflowNotFoundError);
      }
    },
    async resolveException(workflowId, argument, options = {}) {
      if (workflowId.startsWith(ORDER_PREFIX)) {
        // The workflow of an order that is done is started again: its own rules end the exception.
        const start = orderStart(workflowId.slice(ORDER_PREFIX.length), taskQueue);
        return send({ type: workflowTypes.order, start, update: resolveRaised, argument }, options);
      }
      try {
        const handle = client.workflow.getHandle(workflowId);
        return await handle.executeUpdate(resolveRaised, { args: [argument], updateId: randomUUID() });
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return 'not_running';
        throw error;
      }
    },
  };
}
