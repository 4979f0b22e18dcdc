import { randomUUID } from 'node:crypto';
import {
  WithStartWorkflowOperation,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
} from '@temporalio/client';
import { ApplicationFailure, WorkflowNotFoundError, type UpdateDefinition } from '@temporalio/common';
import { CHECKOUT_ENDED } from '../../workflows/checkout/messages';
import { OutcomePending, ServiceUnavailable } from './errors';
import { isFinal } from './finality';
import type { StartOptions } from '../../workflows/kit/start';
import { asClientError } from './temporal-failure';

/** One update, sent together with the start of the workflow that handles it. */
export interface UpdateCall<Answer, Argument> {
  readonly type: string;
  readonly start: StartOptions;
  readonly update: UpdateDefinition<Answer, [Argument]>;
  readonly argument: Argument;
  /** Made of the caller's key; undefined without one: then an earlier update is never joined. */
  readonly updateId: string | undefined;
  readonly waitMs: number;
  /** Called with every call that is sent, because it may run for seconds after its caller got OutcomePending. */
  readonly track: (sent: Promise<unknown>) => void;
}

/** Sends an update within the bounds of one client; the update's id is made of the call's key. */
export type SendUpdate = <Answer, Argument>(
  update: Omit<UpdateCall<Answer, Argument>, 'updateId' | 'waitMs' | 'track'>,
  call: { readonly idempotencyKey?: string },
) => Promise<Answer>;

/** If a workflow ends just as the update arrives, the next try starts it again; losing this race this often is a defect. */
const MAX_TRIES = 5;

/**
 * How many answers of one key are searched for a final one, with one request to Temporal each. A caller who asks more often (a page
 * that polls during 3-D Secure) still gets an answer, but a repeated request is then joined by the workflow, not by its id.
 */
const MAX_ASKED = 5;

/**
 * Sends an update with start and waits for its answer, at most `waitMs`.
 * @throws {OutcomePending} no answer in time. @throws {ServiceUnavailable} Temporal did not accept it.
 * @throws {Misconfigured} Temporal refuses it, however often it is sent.
 */
export async function sendUpdate<Answer, Argument>(
  client: Client,
  call: UpdateCall<Answer, Argument>,
): Promise<Answer> {
  const deadlineMs = Date.now() + call.waitMs;
  for (let tries = 1; ; tries++) {
    try {
      return await bounded(call, deadlineMs, () =>
        client.connection.withDeadline(deadlineMs, () => askOnce(client, call)),
      );
    } catch (error) {
      if (error instanceof OutcomePending) throw error;
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
        throw new OutcomePending(call.start.workflowId, call.waitMs, { cause: error });
      }
      if (!endedUnderneath(error)) throw asClientError(error, call.start.workflowId);
      if (tries >= MAX_TRIES) throw new ServiceUnavailable(call.start.workflowId, { cause: error });
    }
  }
}

/**
 * Temporal keeps the answer under an update's id for as long as it keeps the workflow's run, so a final answer is returned
 * again. After an answer that may change, the next id is used. An update without an answer yet is joined.
 */
async function askOnce<Answer, Argument>(client: Client, call: UpdateCall<Answer, Argument>): Promise<Answer> {
  if (call.updateId === undefined) return sendOnce(client, call, randomUUID());
  const workflow = client.workflow.getHandle(call.start.workflowId);
  for (let asked = 1; asked <= MAX_ASKED; asked++) {
    const updateId = asked === 1 ? call.updateId : `${call.updateId}-${asked}`;
    try {
      const answer = await workflow.getUpdateHandle<Answer>(updateId).result();
      if (isFinal(answer)) return answer;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return sendOnce(client, call, updateId);
      if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    }
  }
  return sendOnce(client, call, randomUUID());
}

function sendOnce<Answer, Argument>(
  client: Client,
  call: UpdateCall<Answer, Argument>,
  updateId: string,
): Promise<Answer> {
  const startWorkflowOperation = new WithStartWorkflowOperation(call.type, call.start);
  return client.workflow.executeUpdateWithStart(call.update, {
    args: [call.argument],
    updateId,
    startWorkflowOperation,
  });
}

/** Keeps the limit while Temporal is down: the SDK checks its deadline only between its retries, which are seconds apart. */
async function bounded<Answer, Argument>(
  call: UpdateCall<Answer, Argument>,
  deadlineMs: number,
  send: () => Promise<Answer>,
): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new OutcomePending(call.start.workflowId, call.waitMs);
    timer = setTimeout(() => reject(error), Math.max(0, deadlineMs - Date.now()));
  });
  try {
    const sent = send();
    call.track(sent);
    return await Promise.race([sent, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Did the workflow end between accepting the update and answering it? Then the next try starts it again. */
function endedUnderneath(error: unknown): boolean {
  if (error instanceof WorkflowNotFoundError) return true;
  return (
    error instanceof WorkflowUpdateFailedError &&
    error.cause instanceof ApplicationFailure &&
    (error.cause.type === 'AcceptedUpdateCompletedWorkflow' || error.cause.type === CHECKOUT_ENDED)
  );
}
