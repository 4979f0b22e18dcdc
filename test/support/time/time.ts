/**
 * Time in tests: the real server (1.32 or newer) moves the clock of one workflow, so tests run side by side.
 * Everything below was tried on server 1.32.1; test/workers/embedded/servers/time.test.ts proves it again at every run.
 *
 * - `Date.now()` in the workflow, event times, and a described start and close time are virtual time. It is real time plus
 *   what was skipped so far: between skips the clock goes on at normal speed, it is never frozen.
 * - A regular activity is told virtual times: `scheduledTimestampMs` is when it was scheduled first,
 *   `currentAttemptScheduledTimestampMs` when this attempt was. `Date.now()` inside an activity is real time. A local
 *   activity sees real time only, its scheduled times included: pass it the workflow's time as an argument.
 * - The server skips only while nothing is in flight: no workflow task, activity, child workflow or signal to another
 *   workflow. It then leaps to the next timer, to an activity's next retry, or to the workflow's own time-out. With none
 *   of these (a `condition` without a limit) only real time passes. So nothing is skipped while an activity runs, and
 *   its time-outs run in real time; but a retry's back-off is skipped.
 * - A fast-forward visits the timers inside its span in order, with their workflow tasks and activities in between, and
 *   completes when the virtual clock reaches the span's end, idle or not: an activity longer than what is left of the
 *   span in real time is not waited for. A timer at the very end of the span fires just after it: add a second.
 * - After it skipping is off again, and the offset stays. A new fast-forward counts from the virtual now and replaces an
 *   unfinished one (a waiter for the old one is told that it failed).
 * - Completion is a long poll (`pollWorkflowExecutionTimeSkipping`), which {@link waitForFastForward} does. A workflow
 *   that ends inside the span ends the fast-forward too: that is the result `ended`.
 * - A child inherits the clock and, where its parent skips without a span, the skipping; a fast-forward stays with its
 *   workflow. While a child runs its parent does not skip. Continue-as-new keeps clock, skipping and span
 *   (only because the embedded server sets `history.workflowIdReuseMinimalInterval` to 0: with its default of 1 s, a run
 *   that continues as new within a second of real time makes the next one leap too far, a fault of server 1.32.1).
 * - Skips in one session are limited to 200 by the dynamic configuration `frontend.WorkflowTimeSkippingMaxSkipPerSession`,
 *   or by `maxSessionSkipCount` in the request, which is what the functions here set; the embedded server allows 10,000.
 * - One skip takes about 14 ms of real time, because the embedded server sets `history.timerProcessorMaxTimeShift` to
 *   10 ms; with the default of 1 s it takes a second.
 * - Other clocks do not move along: advance the Stripe simulator's by the same span, before the fast-forward where the
 *   workflow is to find the provider's state already changed. Visibility queries compare virtual times with real ones.
 */
import { randomUUID } from 'node:crypto';
import type { Connection } from '@temporalio/client';
import { msToTs, requiredTsToMs } from '@temporalio/common/lib/time';
import { temporal } from '@temporalio/proto';

type TimeSkippingConfig = temporal.api.common.v1.TimeSkippingConfig.$Properties;

const { FastForwardPollingResult } = temporal.api.enums.v1;

/** Far above any test; a workflow that retries for ever is still ended by it. The server's own default is 200. */
const MAX_SKIPS = 10_000;
/** A fast-forward of weeks with a hundred steps takes about 2 s; this is beyond any load a machine may be under. */
const FAST_FORWARD_LIMIT_MS = 60_000;

/** How the server begins its reason when the workflow closed inside the span (service/history/api/polltimeskipping). */
const EXECUTION_ENDED = 'the execution ended';

/** What a workflow's clock shows at this moment. */
export interface VirtualTime {
  /** The workflow's virtual now, in epoch milliseconds. */
  nowMs: number;
  /** Whether it skips at present. */
  skipping: boolean;
}

/** From now on the workflow skips every span in which nothing is in flight, up to its end. */
export async function enableTimeSkipping(connection: Connection, namespace: string, workflowId: string): Promise<void> {
  await setTimeSkipping(connection, namespace, workflowId, { enabled: true, maxSessionSkipCount: MAX_SKIPS });
}

/** Stops the skipping: the workflow's clock goes on at normal speed from the virtual time that it has reached. */
export async function disableTimeSkipping(
  connection: Connection,
  namespace: string,
  workflowId: string,
): Promise<void> {
  await setTimeSkipping(connection, namespace, workflowId, { enabled: false });
}

/** Starts a fast-forward without waiting for it; its id goes to {@link waitForFastForward}. @param durationMs above 0 */
export async function startFastForward(
  connection: Connection,
  namespace: string,
  workflowId: string,
  durationMs: number,
): Promise<string> {
  if (!(durationMs > 0)) throw new Error(`a fast-forward needs a span above 0 ms, not ${durationMs}`);
  const id = randomUUID();
  await setTimeSkipping(connection, namespace, workflowId, {
    enabled: true,
    maxSessionSkipCount: MAX_SKIPS,
    fastForwardConfig: { id, duration: msToTs(durationMs) },
  });
  return id;
}

/** How a fast-forward came out: the clock is at the span's end, or the workflow ended before it. */
export type FastForwardResult = 'reached' | 'ended';

/**
 * Waits until a fast-forward has reached its end, or the workflow its own.
 * @throws Error with the server's reason when it was replaced or switched off, and after a minute
 */
export async function waitForFastForward(
  connection: Connection,
  namespace: string,
  workflowId: string,
  fastForwardId: string,
): Promise<FastForwardResult> {
  const deadline = Date.now() + FAST_FORWARD_LIMIT_MS;
  while (Date.now() < deadline) {
    const response = await connection.withDeadline(deadline, () =>
      connection.workflowService.pollWorkflowExecutionTimeSkipping({
        namespace,
        workflowExecution: { workflowId },
        fastForwardId,
      }),
    );
    switch (response.fastForwardPollingResult) {
      case FastForwardPollingResult.FAST_FORWARD_POLLING_RESULT_FAST_FORWARD_COMPLETED:
        return 'reached';
      case FastForwardPollingResult.FAST_FORWARD_POLLING_RESULT_FAST_FORWARD_FAILED:
        if (response.failedReason.startsWith(EXECUTION_ENDED)) return 'ended';
        throw new Error(`the fast-forward of ${workflowId} failed: ${response.failedReason}`);
      default:
      // The server's long poll timed out: ask again.
    }
  }
  throw new Error(
    `the fast-forward of ${workflowId} did not end within ${FAST_FORWARD_LIMIT_MS} ms: is an activity pending, or no worker running?`,
  );
}

/**
 * Moves the workflow's clock ahead by a span and returns when it is there.
 * @param durationMs above 0, counted from the workflow's virtual now
 */
export async function fastForward(
  connection: Connection,
  namespace: string,
  workflowId: string,
  durationMs: number,
): Promise<FastForwardResult> {
  const id = await startFastForward(connection, namespace, workflowId, durationMs);
  return waitForFastForward(connection, namespace, workflowId, id);
}

/** The workflow's clock, as the server has it; undefined for a workflow whose time was never touched. */
export async function virtualTime(
  connection: Connection,
  namespace: string,
  workflowId: string,
): Promise<VirtualTime | undefined> {
  const description = await connection.workflowService.describeWorkflowExecution({
    namespace,
    execution: { workflowId },
  });
  const info = description.workflowExtendedInfo?.timeSkippingInfo;
  if (info?.currentTime === null || info?.currentTime === undefined) return undefined;
  return { nowMs: requiredTsToMs(info.currentTime, 'currentTime'), skipping: info.effectiveConfig?.enabled ?? false };
}

async function setTimeSkipping(
  connection: Connection,
  namespace: string,
  workflowId: string,
  timeSkippingConfig: TimeSkippingConfig,
): Promise<void> {
  await connection.workflowService.updateWorkflowExecutionOptions({
    namespace,
    workflowExecution: { workflowId },
    workflowExecutionOptions: { timeSkippingConfig },
    // The field is replaced as a whole: a part of it cannot be named here.
    updateMask: { paths: ['time_skipping_config'] },
  });
}
