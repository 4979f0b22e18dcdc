import {
  condition,
  continueAsNew,
  defineSignal,
  executeChild,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  sleep,
} from '@temporalio/workflow';
import type { TimeActivities } from './time-activities';

const { observe, failFirst, waitForGate } = proxyActivities<TimeActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '1 hour', backoffCoefficient: 1, maximumAttempts: 3 },
});
const local = proxyLocalActivities<TimeActivities>({ startToCloseTimeout: '10 seconds' });

/** One observation of clocks: the workflow's, and what an activity was told. */
export interface Observation {
  label: string;
  workflowNowMs: number;
  scheduledMs?: number;
  currentAttemptScheduledMs?: number;
  activityWallMs?: number;
  attempt?: number;
}

export const proceed = defineSignal('proceed');

async function observed(label: string): Promise<Observation> {
  return { label, workflowNowMs: Date.now(), ...(await observe(label)) };
}

/** Sleeps three days, one after the other, with an activity after each. */
export async function threeDays(): Promise<Observation[]> {
  const seen: Observation[] = [await observed('start')];
  for (const day of ['day 1', 'day 2', 'day 3']) {
    await sleep('1 day');
    seen.push(await observed(day));
  }
  return seen;
}

/** Races a timer of a week against an activity that ends only when the test says so. */
export async function gatedActivity(gate: string): Promise<{ winner: string; tookMs: number }> {
  const startedAt = Date.now();
  const winner = await Promise.race([waitForGate(gate).then(() => 'activity'), sleep('7 days').then(() => 'timer')]);
  return { winner, tookMs: Date.now() - startedAt };
}

/** Waits for a signal at most a week. */
export async function parked(): Promise<{ signalled: boolean; tookMs: number }> {
  const startedAt = Date.now();
  let signalled = false;
  setHandler(proceed, () => void (signalled = true));
  await condition(() => signalled, '7 days');
  return { signalled, tookMs: Date.now() - startedAt };
}

/** An activity that fails once and is tried again an hour later. */
export async function retried(): Promise<Observation> {
  const startedAt = Date.now();
  const info = await failFirst();
  return { label: 'retried', workflowNowMs: Date.now() - startedAt, ...info };
}

/** A local activity after a day. */
export async function localAfterADay(): Promise<Observation> {
  await sleep('1 day');
  const workflowNowMs = Date.now();
  return { label: 'local', workflowNowMs, ...(await local.observe('local')) };
}

/** More timers, one after the other, than the server's default limit of skips. */
export async function manyTimers(count: number): Promise<number> {
  const startedAt = Date.now();
  for (let i = 0; i < count; i++) await sleep('1 hour');
  return Date.now() - startedAt;
}

/** Two days in a child, then one of its own. Returns how long each took by its own clock. */
export async function withChild(): Promise<{ childMs: number; ownMs: number }> {
  const childMs = await executeChild(sleepDays, { args: [2] });
  const startedAt = Date.now();
  await sleep('1 day');
  return { childMs, ownMs: Date.now() - startedAt };
}

export async function sleepDays(days: number): Promise<number> {
  const startedAt = Date.now();
  await sleep(`${days} days`);
  return Date.now() - startedAt;
}

/** Continues as new every day; returns the clock of its last run. */
export async function daily(runsLeft: number): Promise<number> {
  await sleep('1 day');
  if (runsLeft > 0) await continueAsNew<typeof daily>(runsLeft - 1);
  return Date.now();
}
