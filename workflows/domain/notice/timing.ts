import type { Notice } from './notices';
import { nextAllowed } from './quiet-hours';

/** What to do with a notice at a given moment. */
export type NoticeTiming =
  | { readonly do: 'send' }
  /** Quiet hours: look again after `waitMs`. */
  | { readonly do: 'wait'; readonly waitMs: number }
  | { readonly do: 'drop'; readonly why: string };

/**
 * Should a notice be sent now, later, or never? Its times use the clock of the one that queued it, which may be far ahead of a
 * relay's: that clock showed `dueAt` when the notice was queued, and the time since then is added.
 *
 * @param queuedAtMs and `nowMs` by the relay's clock
 * @throws RangeError if its quiet hours are invalid
 */
export function noticeTiming(
  notice: Pick<Notice, 'dueAt' | 'expiresAt' | 'quietHours'>,
  queuedAtMs: number,
  nowMs: number,
): NoticeTiming {
  const { expiresAt, quietHours } = notice;
  const { atMs, expiresAtMs } = timesOf(notice, queuedAtMs, nowMs);
  if (atMs >= expiresAtMs) return { do: 'drop', why: `it was no longer true after ${expiresAt}` };
  const allowedMs = quietHours === undefined ? atMs : nextAllowed(atMs, quietHours);
  if (allowedMs <= atMs) return { do: 'send' };
  if (allowedMs < expiresAtMs) return { do: 'wait', waitMs: allowedMs - atMs };
  return { do: 'drop', why: `the quiet hours end after ${expiresAt}, when it is no longer true` };
}

/**
 * Has the notice expired?
 *
 * @param queuedAtMs and `nowMs` by the relay's clock
 */
export function hasExpired(notice: Pick<Notice, 'dueAt' | 'expiresAt'>, queuedAtMs: number, nowMs: number): boolean {
  const { atMs, expiresAtMs } = timesOf(notice, queuedAtMs, nowMs);
  return atMs >= expiresAtMs;
}

/** Both by the clock of the one that queued the notice. */
function timesOf({ dueAt, expiresAt }: Pick<Notice, 'dueAt' | 'expiresAt'>, queuedAtMs: number, nowMs: number) {
  // The clocks of two computers differ, so a negative difference counts as zero: no notice is sent early.
  const atMs = Date.parse(dueAt) + Math.max(0, nowMs - queuedAtMs);
  return { atMs, expiresAtMs: expiresAt === undefined ? Infinity : Date.parse(expiresAt) };
}
