import { CancellationScope, condition, sleep } from '@temporalio/workflow';

/**
 * A deadline that moves. Where the next deadline is later than the timer that runs, the timer is kept and the deadline checked
 * when it fires: a step that only postpones the deadline then costs no history event, in place of two for a timer that is
 * cancelled and a new one.
 */
export class MovingDeadline {
  private firesAtMs = Infinity;
  private fired = 0;
  private running: CancellationScope | undefined;

  /**
   * @param kept false cancels the running timer where the deadline moves. That costs two events at once; a kept timer that fires
   * too early costs five later. Cancelling is cheaper where deadlines seldom move, and then by days.
   */
  constructor(private readonly kept = true) {}

  /**
   * Waits until `wake` holds (true) or `untilMs` has come (false); without `untilMs` only for `wake`. The summary is shown
   * beside the timer in the Temporal UI.
   */
  async wait(wake: () => boolean, untilMs: number | undefined, summary: string): Promise<boolean> {
    for (;;) {
      if (wake()) return true;
      if (untilMs !== undefined) {
        if (Date.now() >= untilMs) return false;
        if (untilMs < this.firesAtMs || (!this.kept && untilMs !== this.firesAtMs)) this.start(untilMs, summary);
      }
      const fired = this.fired;
      await condition(() => wake() || this.fired !== fired);
    }
  }

  private start(atMs: number, summary: string): void {
    this.running?.cancel();
    this.firesAtMs = atMs;
    const timer = (): Promise<void> => sleep(Math.max(1, atMs - Date.now()), { summary });
    void CancellationScope.nonCancellable(() => {
      // Hazard: an operator's cancel reaches a scope of its own even in here, so a timer that is kept must have none.
      if (this.kept) return timer();
      this.running = new CancellationScope();
      return this.running.run(timer);
    }).then(
      () => {
        if (this.firesAtMs === atMs) this.firesAtMs = Infinity;
        this.fired += 1;
      },
      // Cancelled: the timer that replaced it wakes the waiting.
      () => undefined,
    );
  }
}

/** A pause that doubles each time, up to the longest. */
export class Backoff {
  ms: number;

  constructor(
    private readonly firstMs: number,
    private readonly longestMs: number,
  ) {
    this.ms = firstMs;
  }

  lengthen(): void {
    this.ms = Math.min(this.ms * 2, this.longestMs);
  }

  restart(): void {
    this.ms = this.firstMs;
  }
}

/** Runs one piece of work after another: commands of an order never interleave, so a cancel and a capture cannot both win. */
export class SerialQueue {
  private tail: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  get idle(): boolean {
    return this.waiting === 0;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    this.waiting += 1;
    const mine = this.tail.then(work);
    this.tail = mine.catch(() => undefined);
    try {
      return await mine;
    } finally {
      this.waiting -= 1;
    }
  }
}
