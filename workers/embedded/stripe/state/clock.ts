import { TimerQueue, type ClockTimer } from './timer-queue';

/** setTimeout keeps its delay in 31 bits; a longer wait is split. */
const MAX_REAL_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * The simulator's own clock: real time plus an offset that only grows.
 *
 * Moving it fires the timers that became due, in order of time, each with `now()` at its own due time: the events of a hold that
 * expires during a jump of ten days are dated at its expiry, not at the end of the jump.
 */
export class SimulatorClock {
  /** Called after each timer, so that the changes of a long jump are stored along the way. */
  readonly afterEach = new Set<() => void>();
  private offsetMs = 0;
  private latestMs = 0;
  private frozenAtMs: number | undefined;
  private readonly timers = new TimerQueue();
  private wakeUp: NodeJS.Timeout | undefined;

  /** Milliseconds since the epoch by this clock; never goes back. */
  now(): number {
    if (this.frozenAtMs !== undefined) return this.frozenAtMs;
    this.latestMs = this.presentMs();
    return this.latestMs;
  }

  /** Seconds since the epoch, as Stripe writes times. */
  nowSeconds(): number {
    return Math.floor(this.now() / 1000);
  }

  /** Moves the clock on to `targetMs`; a time in the past leaves it where it is. */
  advanceTo(targetMs: number): void {
    const current = this.now();
    if (targetMs > current) this.offsetMs += targetMs - current;
    this.fireDue(Math.max(targetMs, current));
  }

  /** Moves the clock on by `deltaMs` (negative values are refused). */
  advanceBy(deltaMs: number): void {
    if (!(deltaMs >= 0)) throw new RangeError(`The simulator's clock only moves forward, got ${deltaMs} ms`);
    this.advanceTo(this.now() + deltaMs);
  }

  /** Calls `fire` once this clock reaches `dueMs`, by real time passing or by being advanced. */
  at(dueMs: number, fire: () => void): ClockTimer {
    const timer = this.timers.add(dueMs, fire);
    this.scheduleWakeUp();
    return timer;
  }

  /** Runs `action` with `now()` fixed at `atMs`: for objects on a test clock. */
  standingAt<T>(atMs: number, action: () => T): T {
    const before = this.frozenAtMs;
    this.frozenAtMs = atMs;
    try {
      return action();
    } finally {
      this.frozenAtMs = before;
    }
  }

  /** How far this clock is ahead of real time. */
  get aheadMs(): number {
    return this.offsetMs;
  }

  /**
   * Continues an earlier clock: `arm` sets its timers, and those that are overdue fire at once, each with `now()` at its own due time,
   * as if the clock had run without a break.
   */
  resume(earlier: { aheadMs: number; lastMs: number }, arm: () => void): void {
    this.offsetMs = Math.max(this.offsetMs, earlier.aheadMs);
    const presentMs = Date.now() + this.offsetMs;
    // If the computer's clock was set back meanwhile, this clock must still move forward.
    this.latestMs = Math.max(this.latestMs, Math.min(earlier.lastMs, presentMs));
    this.standingAt(this.latestMs, arm);
    this.fireDue(presentMs);
  }

  /** How many timers still wait. */
  get pendingTimers(): number {
    return this.timers.size;
  }

  /** Drops every timer; the clock itself goes on. */
  stop(): void {
    this.timers.clear();
    clearTimeout(this.wakeUp);
  }

  /** The clock's time if it were not frozen. Leaves `now()` unchanged, which must not pass a timer that is still due. */
  private presentMs(): number {
    return Math.max(this.latestMs, Date.now() + this.offsetMs);
  }

  private fireDue(untilMs: number): void {
    for (let next = this.timers.take(untilMs); next !== undefined; next = this.timers.take(untilMs)) {
      this.latestMs = Math.max(next.dueMs, this.latestMs);
      this.standingAt(this.latestMs, () => {
        next.fire();
        for (const listener of this.afterEach) listener();
      });
    }
    this.scheduleWakeUp();
  }

  private scheduleWakeUp(): void {
    clearTimeout(this.wakeUp);
    const { nextMs } = this.timers;
    if (nextMs === undefined) return;
    const delayMs = Math.min(Math.max(nextMs - this.presentMs(), 0), MAX_REAL_TIMEOUT_MS);
    // The timer of a hold must not keep the process alive.
    this.wakeUp = setTimeout(() => this.fireDue(this.now()), delayMs).unref();
  }
}

export type { ClockTimer } from './timer-queue';
