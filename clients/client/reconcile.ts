import type { Client } from '@temporalio/client';
import { dayOf } from '../../workflows/domain/settlement/settlement';
import { workflowIds, workflowTypes } from '../../workflows/kit/names';
import type { SettlementSummary } from '../../workflows/settlement/ports';
import { OutcomePending, ValidationError } from './errors';
import { asClientError } from './temporal-failure';

/** A settlement check to run now. */
export interface ReconcileCall {
  /** A day in UTC, not in the future, `YYYY-MM-DD`. */
  readonly date: string;
  readonly taskQueue: string;
  readonly waitMs: number;
  readonly nowMs: number;
}

/**
 * Runs the settlement check of a day and waits for its result, at most `waitMs`; joins one that is already running.
 * @throws ValidationError if it is not a day, or a future one. @throws OutcomePending if it is still running.
 * @throws ServiceUnavailable or Misconfigured if Temporal does not accept it
 */
export async function reconcileDay(client: Client, call: ReconcileCall): Promise<SettlementSummary> {
  const { date, taskQueue, waitMs, nowMs } = call;
  assertDay(date, nowMs);
  const workflowId = workflowIds.reconciliation('settlement', date);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new OutcomePending(workflowId, waitMs)), waitMs);
  });
  try {
    const handle = await client.workflow
      .start(workflowTypes.reconcileSettlement, {
        workflowId,
        taskQueue,
        args: [{ date }],
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        staticSummary: `Settlement check of ${date}`,
      })
      .catch((cause: unknown) => {
        throw asClientError(cause, workflowId);
      });
    const result = handle.result() as Promise<SettlementSummary>;
    result.catch(() => undefined);
    return await Promise.race([result, late]);
  } finally {
    clearTimeout(timer);
  }
}

function assertDay(date: string, nowMs: number): void {
  try {
    if (Date.parse(dayOf(date).from) <= nowMs) return;
  } catch {
    throw new ValidationError([{ field: 'date', message: 'must be a day, YYYY-MM-DD' }]);
  }
  throw new ValidationError([{ field: 'date', message: 'must not be in the future' }]);
}
