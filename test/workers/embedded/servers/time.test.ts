import type { Client, Connection, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import {
  closeConnections,
  getClient,
  getConnection,
  getNativeConnection,
  testEnvironment,
  uniqueName,
} from '../../../support/environment';
import {
  disableTimeSkipping,
  enableTimeSkipping,
  fastForward,
  startFastForward,
  virtualTime,
  waitForFastForward,
} from '../../../support/time/time';
import { gates, makeGate, timeActivities } from '../../../support/workflows-for-tests/time-activities';
import type * as workflows from '../../../support/workflows-for-tests/time';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Real time that a step of virtual time may take beside the skip itself, on a machine under load. */
const SLACK_MS = 30_000;
jest.setTimeout(60_000);

const { temporalNamespace: namespace } = testEnvironment();
const taskQueue = uniqueName('time');
let connection: Connection;
let client: Client;
let worker: Worker;
let running: Promise<void>;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  connection = await getConnection();
  client = await getClient();
  worker = await Worker.create({
    connection: await getNativeConnection(),
    namespace,
    taskQueue,
    workflowsPath: require.resolve('../../../support/workflows-for-tests/time'),
    activities: timeActivities,
    // A test that failed before it opened its gate must not keep the worker, and with it the run, from ending.
    shutdownGraceTime: '1 second',
    shutdownForceTime: '5 seconds',
  });
  running = worker.run();
});

afterAll(async () => {
  for (const gate of gates.values()) gate.open();
  worker.shutdown();
  await running;
  await closeConnections();
});

function start<T extends Workflow>(
  type: string,
  args: Parameters<T>,
): Promise<WorkflowHandleWithFirstExecutionRunId<T>> {
  return client.workflow.start<T>(type, { taskQueue, workflowId: uniqueName(type), args } as never);
}

function expectAbout(actualMs: number, wantedMs: number): void {
  expect(actualMs).toBeGreaterThanOrEqual(wantedMs);
  expect(actualMs).toBeLessThan(wantedMs + SLACK_MS);
}

test('workflow time and the scheduled times of regular activities are virtual, an activity clock is real', async () => {
  const startedAt = Date.now();
  const handle = await start<typeof workflows.threeDays>('threeDays', []);
  await enableTimeSkipping(connection, namespace, handle.workflowId);
  const seen = await handle.result();

  expect(seen.map(({ label }) => label)).toEqual(['start', 'day 1', 'day 2', 'day 3']);
  for (const [day, observation] of seen.entries()) {
    expectAbout(observation.workflowNowMs - startedAt, day * DAY_MS);
    expectAbout((observation.scheduledMs ?? 0) - startedAt, day * DAY_MS);
    expectAbout((observation.currentAttemptScheduledMs ?? 0) - startedAt, day * DAY_MS);
    expectAbout((observation.activityWallMs ?? 0) - startedAt, 0);
  }
  const { startTime, closeTime } = await handle.describe();
  expectAbout((closeTime?.getTime() ?? 0) - startTime.getTime(), 3 * DAY_MS);
});

test('a local activity sees real times only', async () => {
  const startedAt = Date.now();
  const handle = await start<typeof workflows.localAfterADay>('localAfterADay', []);
  await enableTimeSkipping(connection, namespace, handle.workflowId);
  const seen = await handle.result();
  expectAbout(seen.workflowNowMs - startedAt, DAY_MS);
  expect(Math.abs((seen.scheduledMs ?? 0) - startedAt)).toBeLessThan(SLACK_MS);
});

test('a fast-forward fires the timers inside its span in order, then stops skipping', async () => {
  const handle = await start<typeof workflows.threeDays>('threeDays', []);
  const startedAt = Date.now();
  expect(await fastForward(connection, namespace, handle.workflowId, 2.5 * DAY_MS)).toBe('reached');

  const { events = [] } = await handle.fetchHistory();
  const steps = events?.map((event) =>
    event.timerFiredEventAttributes ? 'timer' : event.activityTaskCompletedEventAttributes ? 'activity' : '',
  );
  expect(steps?.filter((step) => step !== '')).toEqual(['activity', 'timer', 'activity', 'timer', 'activity']);

  const clock = await virtualTime(connection, namespace, handle.workflowId);
  expect(clock?.skipping).toBe(false);
  expectAbout((clock?.nowMs ?? 0) - startedAt, 2.5 * DAY_MS);
  expect((await handle.describe()).status.name).toBe('RUNNING');

  // Counted from the virtual now, so this one meets the last timer and the workflow's end.
  expect(await fastForward(connection, namespace, handle.workflowId, DAY_MS)).toBe('ended');
  expect(await handle.result()).toHaveLength(4);
});

test('nothing is skipped while an activity is pending', async () => {
  const gate = uniqueName('gate');
  makeGate(gate);
  const handle = await start<typeof workflows.gatedActivity>('gatedActivity', [gate]);
  await gates.get(gate)?.entered;
  const startedAt = Date.now();
  const id = await startFastForward(connection, namespace, handle.workflowId, 8 * DAY_MS);

  const clock = await virtualTime(connection, namespace, handle.workflowId);
  expect(clock?.skipping).toBe(true);
  expect((clock?.nowMs ?? 0) - startedAt).toBeLessThan(SLACK_MS);

  gates.get(gate)?.open();
  const { winner, tookMs } = await handle.result();
  expect(winner).toBe('activity');
  expect(tookMs).toBeLessThan(SLACK_MS);
  expect(await waitForFastForward(connection, namespace, handle.workflowId, id)).toBe('ended');
});

test('the back-off of a failed activity is skipped', async () => {
  const startedAt = Date.now();
  const handle = await start<typeof workflows.retried>('retried', []);
  await enableTimeSkipping(connection, namespace, handle.workflowId);
  const seen = await handle.result();
  expect(seen.attempt).toBe(2);
  expectAbout((seen.currentAttemptScheduledMs ?? 0) - startedAt, HOUR_MS);
  expectAbout((seen.scheduledMs ?? 0) - startedAt, 0);
});

test('a signal one second before a deadline is in time, and sees virtual time', async () => {
  const handle = await start<typeof workflows.parked>('parked', []);
  await fastForward(connection, namespace, handle.workflowId, 7 * DAY_MS - 60_000);
  await handle.signal('proceed');
  const { signalled, tookMs } = await handle.result();
  expect(signalled).toBe(true);
  expect(tookMs).toBeGreaterThan(7 * DAY_MS - 70_000);
  expect(tookMs).toBeLessThan(7 * DAY_MS);
});

test('a new fast-forward replaces an unfinished one, whose caller gets an error', async () => {
  const gate = uniqueName('gate');
  makeGate(gate);
  const handle = await start<typeof workflows.gatedActivity>('gatedActivity', [gate]);
  await gates.get(gate)?.entered;
  const first = await startFastForward(connection, namespace, handle.workflowId, DAY_MS);
  await startFastForward(connection, namespace, handle.workflowId, DAY_MS);
  await expect(waitForFastForward(connection, namespace, handle.workflowId, first)).rejects.toThrow('does not match');
  await disableTimeSkipping(connection, namespace, handle.workflowId);
  expect((await virtualTime(connection, namespace, handle.workflowId))?.skipping).toBe(false);
  gates.get(gate)?.open();
  await handle.result();
});

test('a child skips with its parent, and continue-as-new keeps the clock', async () => {
  const startedAt = Date.now();
  const parent = await start<typeof workflows.withChild>('withChild', []);
  await enableTimeSkipping(connection, namespace, parent.workflowId);
  const { childMs, ownMs } = await parent.result();
  expectAbout(childMs, 2 * DAY_MS);
  expectAbout(ownMs, DAY_MS);

  const daily = await start<typeof workflows.daily>('daily', [2]);
  expect(await fastForward(connection, namespace, daily.workflowId, 4 * DAY_MS)).toBe('ended');
  expectAbout((await daily.result()) - startedAt, 3 * DAY_MS);
});

test('more skips than the default of 200 are allowed', async () => {
  const handle = await start<typeof workflows.manyTimers>('manyTimers', [210]);
  await enableTimeSkipping(connection, namespace, handle.workflowId);
  expectAbout(await handle.result(), 210 * HOUR_MS);
});
