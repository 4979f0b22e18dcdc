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

/** One update, sent together with the start of the workflow that takes it. */
export interface UpdateCall<Answer, Argument> {
  readonly type: string;
  readonly start: StartOptions;
  readonly update: UpdateDefinition<Answer, [Argument]>;
  readonly argument: Argument;
  /** Made of the caller's key; undefined without one, and nothing is sent a second time then. */
  readonly updateId: string | undefined;
  readonly waitMs: number;
  /** Told of every call that is sent: it may go on for seconds after its caller was told that the outcome is pending. */
  readonly track: (sent: Promise<unknown>) => void;
}

/** Sends an update within the bounds of one client; the call's key makes the update's id. */
export type SendUpdate = <Answer, Argument>(
  update: Omit<UpdateCall<Answer, Argument>, 'updateId' | 'waitMs' | 'track'>,
  call: { readonly idempotencyKey?: string },
) => Promise<Answer>;

/** A workflow that ends just as the update comes is started anew by the next try; losing the race this often is a defect. */
const MAX_TRIES = 5;

/**
 * Answers of one key that are looked through for a final one, at one question to Temporal each. Whoever asks more often (a page
 * that polls during 3-D Secure) is still answered, only a resend of that does not join it by its id but in the workflow.
 */
const MAX_ASKED = 5;

/**
 * Sends an update with start and waits for its answer, `waitMs` at most.
 * @throws {OutcomePending} no answer in time. @throws {ServiceUnavailable} Temporal did not take it.
 * @throws {Misconfigured} Temporal will not take it, however often it is sent.
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
 * Temporal keeps the answer under an update's id for as long as it keeps the workflow's run. A final answer is so given again;
 * one that may change must be asked for under the next id. One that is not there yet is joined.
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

/** The SDK looks at its deadline only between its own retries, seconds apart: while Temporal is away, this keeps the bound. */
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

/** Did the workflow end between taking the update and answering it? Then the next try starts it anew. */
function endedUnderneath(error: unknown): boolean {
  if (error instanceof WorkflowNotFoundError) return true;
  return (
    error instanceof WorkflowUpdateFailedError &&
    error.cause instanceof ApplicationFailure &&
    (error.cause.type === 'AcceptedUpdateCompletedWorkflow' || error.cause.type === CHECKOUT_ENDED)
  );
}
