import type { QuietHours } from './notices';
import { nextAllowed } from './quiet-hours';

/** The span of time in which a notice is true, in milliseconds since the epoch. */
export interface NoticeWindow {
  /** Not before this. */
  readonly fromMs: number;
  /** The best time to send it, or `fromMs` if that is later. */
  readonly bestMs: number;
  /** Not after this: it would be wrong or useless. */
  readonly untilMs: number;
}

/** Step of the search backwards: it finds a moment at most this long before quiet hours begin. */
const STEP_MS = 15 * 60_000;
/** Quiet hours are less than a day, and a change of the clock adds an hour. */
const MAX_STEPS = (26 * 60 * 60_000) / STEP_MS;

/**
 * When a notice is sent: at its best time; if that is in quiet hours, after them, or before them if after would be too late.
 * Undefined if no moment of the window is allowed.
 */
export function noticeTime(window: NoticeWindow, quietHours: QuietHours): number | undefined {
  const bestMs = Math.max(window.fromMs, window.bestMs);
  const after = nextAllowed(bestMs, quietHours);
  if (after <= window.untilMs) return after;
  for (let at = Math.min(bestMs, window.untilMs), steps = 0; at >= window.fromMs && steps < MAX_STEPS; steps++) {
    if (nextAllowed(at, quietHours) === at) return at;
    if (at === window.fromMs) return undefined;
    at = Math.max(at - STEP_MS, window.fromMs);
  }
  return undefined;
}
