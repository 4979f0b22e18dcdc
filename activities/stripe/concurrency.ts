/** Runs at most `limit` tasks at a time; the others wait in order. */
export class ConcurrencyCap {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly limit: number) {
    if (!Number.isSafeInteger(limit) || limit < 1)
      throw new RangeError(`A cap must let at least 1 task run, not ${limit}`);
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    // A task that ends passes its place to the next waiting one, so `running` changes only if none waits.
    if (this.running < this.limit) this.running += 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.running -= 1;
      else next();
    }
  }
}
