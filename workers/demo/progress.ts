import { performance } from 'node:perf_hooks';

/** Where progress is shown. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Often enough to look alive, seldom enough to cost nothing. */
const REDRAW_MS = 500;
const DEFAULT_COLUMNS = 80;

/**
 * Scenes that run side by side, a line each: on a terminal the running ones are kept below what is finished and redrawn
 * with the time they have taken; elsewhere a plain line says that a scene begins and another one how it ended.
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

  /** A line for a person, above what is still running. */
  print(line: string): void {
    this.aside(() => this.screen.write(`${line}\n`));
  }

  private aside(write: () => unknown): void {
    this.erase();
    write();
    this.draw();
  }

  /** Keeps what others write to a terminal's other stream (logs) from tearing what is shown. Answers with its undoing. */
  guard(stream: NodeJS.WriteStream): () => void {
    if (!this.live) return () => undefined;
    const { write } = stream;
    // What else is passed (encoding, callback) is passed on as it came.
    stream.write = (...args: unknown[]): boolean => {
      this.aside(() => Reflect.apply(write, stream, args));
      return true;
    };
    return () => {
      stream.write = write;
    };
  }

  /** Takes the running lines off the screen; nothing is redrawn any more. */
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
      // A line that wraps would be counted as one and erased as half.
      this.screen.write(`${`… ${title} (${seconds(this.now() - startedMs)})`.slice(0, width)}\n`);
      this.drawn += 1;
    }
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
