/** A timer on a clock; after `cancel` it never fires. */
export interface ClockTimer {
  cancel(): void;
}

export interface DueTimer {
  readonly dueMs: number;
  readonly fire: () => void;
}

interface PendingTimer {
  readonly dueMs: number;
  fire: (() => void) | undefined;
}

/** Once cancelled timers are this many and the majority, all are removed, so those of captured holds do not accumulate. */
const COMPACT_AFTER_CANCELLED = 1_000;

/** Timers in order of their time; those of the same time in the order in which they were set. */
export class TimerQueue {
  private pending: PendingTimer[] = [];
  private cancelled = 0;

  /** How many timers still wait. */
  get size(): number {
    return this.pending.length - this.cancelled;
  }

  /** The earliest time at which a timer may be due; cancelled timers still count. */
  get nextMs(): number | undefined {
    return this.pending[0]?.dueMs;
  }

  add(dueMs: number, fire: () => void): ClockTimer {
    const timer: PendingTimer = { dueMs, fire };
    this.insert(timer);
    return {
      cancel: () => {
        if (timer.fire === undefined) return;
        timer.fire = undefined;
        this.cancelled += 1;
        this.compact();
      },
    };
  }

  /** Removes and returns the first timer that is due by `untilMs`. */
  take(untilMs: number): DueTimer | undefined {
    for (let next = this.pending[0]; next !== undefined && next.dueMs <= untilMs; next = this.pending[0]) {
      this.pending.shift();
      const { dueMs, fire } = next;
      next.fire = undefined;
      if (fire !== undefined) return { dueMs, fire };
      this.cancelled -= 1;
    }
    return undefined;
  }

  clear(): void {
    this.pending = [];
    this.cancelled = 0;
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

  private compact(): void {
    if (this.cancelled < COMPACT_AFTER_CANCELLED || this.cancelled * 2 < this.pending.length) return;
    this.pending = this.pending.filter((timer) => timer.fire !== undefined);
    this.cancelled = 0;
  }
}
