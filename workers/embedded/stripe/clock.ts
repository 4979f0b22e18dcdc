/** A due point on the clock; `cancel` makes it never fire. */
export interface ClockTimer {
  cancel(): void;
}

interface PendingTimer {
  dueMs: number;
  sequence: number;
  fire: (() => void) | undefined;
}

/** setTimeout holds its delay in 31 bits; a longer wait is slept in pieces. */
const MAX_REAL_TIMEOUT_MS = 2 ** 31 - 1;
/** Cancelled timers are dropped in bulk once they are this many and the majority, so captures do not pile up dead holds. */
const COMPACT_AFTER_CANCELLED = 1_000;

/**
 * The simulator's own clock: real time plus an offset that only grows.
 *
 * Moving it fires what became due, in order of time, each with `now()` at its own due time: a hold that
 * expires during a jump of ten days has its events dated at its expiry, not at the end of the jump.
 */
export class SimulatorClock {
  private offsetMs = 0;
  private latestMs = 0;
  private frozenAtMs: number | undefined;
  private sequence = 0;
  private cancelled = 0;
  private pending: PendingTimer[] = [];
  private wakeUp: NodeJS.Timeout | undefined;

  /** Milliseconds since the epoch by this clock; never goes back. */
  now(): number {
    if (this.frozenAtMs !== undefined) return this.frozenAtMs;
    this.latestMs = Math.max(this.latestMs, Date.now() + this.offsetMs);
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
    const timer: PendingTimer = { dueMs, sequence: (this.sequence += 1), fire };
    this.insert(timer);
    this.scheduleWakeUp();
    return {
      cancel: () => {
        if (timer.fire === undefined) return;
        timer.fire = undefined;
        this.cancelled += 1;
        this.compact();
      },
    };
  }

  /** How far this clock is ahead of real time. */
  get aheadMs(): number {
    return this.offsetMs;
  }

  /**
   * Goes on where an earlier clock stood: `arm` sets the timers that it left, and those that fell due since then fire
   * at once, each with `now()` at its own due time, as if the clock had never stopped.
   */
  resume(earlier: { aheadMs: number; lastMs: number }, arm: () => void): void {
    this.offsetMs = Math.max(this.offsetMs, earlier.aheadMs);
    const presentMs = Date.now() + this.offsetMs;
    // Not past the present: where the machine's clock was set back meanwhile, this one must still go on.
    this.latestMs = Math.max(this.latestMs, Math.min(earlier.lastMs, presentMs));
    this.frozenAtMs = this.latestMs;
    try {
      arm();
    } finally {
      this.frozenAtMs = undefined;
    }
    this.fireDue(presentMs);
  }

  /** How many timers still wait. */
  get pendingTimers(): number {
    return this.pending.length - this.cancelled;
  }

  /** Drops every timer; the clock itself goes on. */
  stop(): void {
    this.pending = [];
    this.cancelled = 0;
    clearTimeout(this.wakeUp);
  }

  private insert(timer: PendingTimer): void {
    let low = 0;
    let high = this.pending.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.pending[middle] as PendingTimer).dueMs <= timer.dueMs) low = middle + 1;
      else high = middle;
    }
    this.pending.splice(low, 0, timer);
  }

  private fireDue(untilMs: number): void {
    for (let next = this.pending[0]; next !== undefined && next.dueMs <= untilMs; next = this.pending[0]) {
      this.pending.shift();
      const { fire } = next;
      if (fire === undefined) {
        this.cancelled -= 1;
        continue;
      }
      next.fire = undefined;
      this.frozenAtMs = Math.max(next.dueMs, this.latestMs);
      this.latestMs = this.frozenAtMs;
      try {
        fire();
      } finally {
        this.frozenAtMs = undefined;
      }
    }
    this.scheduleWakeUp();
  }

  private compact(): void {
    if (this.cancelled < COMPACT_AFTER_CANCELLED || this.cancelled * 2 < this.pending.length) return;
    this.pending = this.pending.filter((timer) => timer.fire !== undefined);
    this.cancelled = 0;
  }

  private scheduleWakeUp(): void {
    clearTimeout(this.wakeUp);
    const next = this.pending[0];
    if (next === undefined) return;
    const delayMs = Math.min(Math.max(next.dueMs - this.now(), 0), MAX_REAL_TIMEOUT_MS);
    // A parked hold must not keep a finished process alive.
    this.wakeUp = setTimeout(() => this.fireDue(this.now()), delayMs).unref();
  }
}
