import { performance } from 'node:perf_hooks';

export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Often enough to show progress, seldom enough to cost little. */
const REDRAW_MS = 500;
const DEFAULT_COLUMNS = 80;

/**
 * Shows scenes that run side by side, one line each. On a terminal the running scenes stay below the finished ones and are redrawn
 * with their elapsed time; elsewhere, one line reports a scene's start and another its end.
 */
export class Progress {
  private readonly running = new Map<string, number>();
  private drawn = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly screen: Screen,
    private readonly now: () => number = () => performance.now(),
  ) {}

  begin(title: string): void {
    this.running.set(title, this.now());
    if (!this.live) return this.print(`… ${title}`);
    this.timer ??= setInterval(() => this.redraw(), REDRAW_MS).unref();
    this.redraw();
  }

  end(title: string, succeeded: boolean, story: string): void {
    const tookMs = this.now() - (this.running.get(title) ?? this.now());
    this.running.delete(title);
    this.print(`${succeeded ? '✓' : '✗'} ${title} (${seconds(tookMs)}): ${story}`);
  }

  /** Prints a line above the running scenes. */
  print(line: string): void {
    this.aside(() => this.screen.write(`${line}\n`));
  }

  private aside(write: () => unknown): void {
    this.erase();
    write();
    this.draw();
  }

  /** Redraws around what others write to the terminal's other stream (logs). Returns a function that ends this. */
  guard(stream: NodeJS.WriteStream): () => void {
    if (!this.live) return () => undefined;
    const { write } = stream;
    // Passes on the other arguments (encoding, callback) unchanged.
    stream.write = (...args: unknown[]): boolean => {
      this.aside(() => Reflect.apply(write, stream, args));
      return true;
    };
    return () => {
      stream.write = write;
    };
  }

  /** Removes the running lines and stops redrawing. */
  stop(): void {
    clearInterval(this.timer);
    this.erase();
    this.running.clear();
  }

  private get live(): boolean {
    return this.screen.isTTY === true;
  }

  private redraw(): void {
    this.erase();
    this.draw();
  }

  private erase(): void {
    if (this.drawn > 0) this.screen.write(`\u001b[${this.drawn}A\u001b[0J`);
    this.drawn = 0;
  }

  private draw(): void {
    if (!this.live) return;
    const width = (this.screen.columns ?? DEFAULT_COLUMNS) - 1;
    for (const [title, startedMs] of this.running) {
      // A wrapped line takes two rows but would be erased as one.
      this.screen.write(`${`… ${title} (${seconds(this.now() - startedMs)})`.slice(0, width)}\n`);
      this.drawn += 1;
    }
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
