import type { QuietHours } from './notices';
import { nextAllowed } from './quiet-hours';

/** A span of time within which a notice says what is true, in milliseconds since the epoch. */
export interface NoticeWindow {
  /** Not before this. */
  readonly fromMs: number;
  /** When it would best be sent; at `fromMs` where that is later. */
  readonly bestMs: number;
  /** Not after this: what it says would be wrong, or of no use. */
  readonly untilMs: number;
}

/** Quiet hours begin at a whole minute; a step of this size finds a moment at most this long before they do. */
const STEP_MS = 15 * 60_000;
/** Quiet hours are less than a day, and a change of the clock adds an hour. */
const MAX_STEPS = (26 * 60 * 60_000) / STEP_MS;

/**
 * When a notice goes out: at its best time, or after the quiet hours that this falls into, or, where that would be too
 * late, before them. Undefined where no moment of the window is allowed.
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
