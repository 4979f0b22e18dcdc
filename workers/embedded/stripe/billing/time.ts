import type { Account } from '../state/account';
import { TimerQueue, type ClockTimer } from '../state/timer-queue';
import type { StoredTestClock } from './model';
import { testClocks } from './resources';

/** The timers of the objects on a test clock; they fire only when it is advanced. */
const QUEUES = new WeakMap<StoredTestClock, TimerQueue>();

/** The timers of a test clock. */
export function queueOf(clock: StoredTestClock): TimerQueue {
  const queue = QUEUES.get(clock) ?? new TimerQueue();
  QUEUES.set(clock, queue);
  return queue;
}

/** Calls `fire` at a time of the object's test clock, or of the simulator's clock if it has none. */
export function timerAt(account: Account, testClock: string | null, dueMs: number, fire: () => void): ClockTimer {
  const clock = testClock === null ? undefined : account.of(testClocks).get(testClock);
  return clock === undefined ? account.clock.at(dueMs, fire) : queueOf(clock).add(dueMs, fire);
}

/** Runs `action` with the account's clock set to the time of the object's test clock, if it has one. */
export function inTimeOf<T>(account: Account, testClock: string | null, action: () => T): T {
  const clock = testClock === null ? undefined : account.of(testClocks).get(testClock);
  return clock === undefined ? action() : account.clock.standingAt(clock.object.frozen_time * 1000, action);
}

/** Was the object deleted with its test clock? */
export function isGone(account: Account, testClock: string | null): boolean {
  return testClock !== null && account.of(testClocks).get(testClock)?.deleted === true;
}
