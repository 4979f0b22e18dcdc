import type { Notice } from './notices';
import { nextAllowed } from './quiet-hours';

/** What is to be done with a notice at a moment. */
export type NoticeTiming =
  | { readonly do: 'send' }
  /** It is quiet: look again after `waitMs`. */
  | { readonly do: 'wait'; readonly waitMs: number }
  | { readonly do: 'drop'; readonly why: string };

/**
 * May a notice be sent now, later, or not any more? Its times are by the clock of who queued it, which may run far ahead
 * of a relay's: that clock showed `dueAt` when the notice was queued, and what has passed since then is added.
 *
 * @param queuedAtMs and `nowMs` by the relay's clock
 * @throws RangeError where its quiet hours are none
 */
export function noticeTiming(
  notice: Pick<Notice, 'dueAt' | 'expiresAt' | 'quietHours'>,
  queuedAtMs: number,
  nowMs: number,
): NoticeTiming {
  const { expiresAt, quietHours } = notice;
  const { atMs, expiresAtMs } = timesOf(notice, queuedAtMs, nowMs);
  if (atMs >= expiresAtMs) return { do: 'drop', why: `what it says was not true any more after ${expiresAt}` };
  const allowedMs = quietHours === undefined ? atMs : nextAllowed(atMs, quietHours);
  if (allowedMs <= atMs) return { do: 'send' };
  if (allowedMs < expiresAtMs) return { do: 'wait', waitMs: allowedMs - atMs };
  return { do: 'drop', why: `the quiet hours end after ${expiresAt}, when what it says is not true any more` };
}

/**
 * Has the time passed until which what it says is true?
 *
 * @param queuedAtMs and `nowMs` by the relay's clock
 */
export function hasExpired(notice: Pick<Notice, 'dueAt' | 'expiresAt'>, queuedAtMs: number, nowMs: number): boolean {
  const { atMs, expiresAtMs } = timesOf(notice, queuedAtMs, nowMs);
  return atMs >= expiresAtMs;
}

/** Both by the clock of who queued it. */
function timesOf({ dueAt, expiresAt }: Pick<Notice, 'dueAt' | 'expiresAt'>, queuedAtMs: number, nowMs: number) {
  // Clocks of two computers differ: none is ever told before its time for that.
  const atMs = Date.parse(dueAt) + Math.max(0, nowMs - queuedAtMs);
  return { atMs, expiresAtMs: expiresAt === undefined ? Infinity : Date.parse(expiresAt) };
}
