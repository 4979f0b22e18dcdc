import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { access, constants as fsConstants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** One line of progress or information for the person who started the stack. */
export type Log = (line: string) => void;

export interface ManagedProcessOptions {
  /** Name used in errors, e.g. "Temporal server". */
  name: string;
  command: string;
  args: readonly string[];
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Unprivileged account to run as; only root may set it. */
  account?: { uid: number; gid: number };
  /**
   * Signal that ends it, SIGTERM by default. Postgres needs SIGINT ("fast shutdown"); a process with nothing to save can be
   * killed at once.
   */
  stopSignal?: 'SIGTERM' | 'SIGINT' | 'SIGKILL';
}

export interface ManagedProcess {
  readonly pid: number;
  /** The last lines of its output, for errors. */
  recentOutput(): string;
  /** How it ended; undefined while it runs. */
  exited(): string | undefined;
  /** How it ended, once it has. */
  readonly ended: Promise<string>;
  /** Ends it: the stop signal, then SIGKILL after {@link KILL_AFTER_MS}. Safe to call twice. */
  stop(): Promise<void>;
}

/** Temporal drains its connections within 2 s and Postgres writes a checkpoint within 1 s; a process that takes longer hangs. */
const KILL_AFTER_MS = 5_000;
/** Enough for a stack trace or a configuration error; keeping everything would grow without limit. */
const RECENT_LINES = 40;

/**
 * Outlives the parent by design: it blocks reading a pipe that only the parent holds. When the parent dies, even by SIGKILL,
 * the pipe closes and the watchdog kills the child. `setpriv --pdeathsig` was the alternative: Linux only, and the kernel
 * clears it when a process changes its user, which is what Postgres under root needs.
 */
const WATCHDOG = `cat >/dev/null; kill -"$1" "$2" 2>/dev/null || exit 0
for _ in 1 2 3 4 5; do sleep 1; kill -0 "$2" 2>/dev/null || exit 0; done; kill -KILL "$2" 2>/dev/null`;

const running = new Set<ChildProcess>();
// For a plain process.exit(): the watchdog would also end the children, but only a moment later.
process.on('exit', () => {
  for (const child of running) child.kill('SIGTERM');
});

/**
 * Starts a child in its own session, so that Ctrl-C in the terminal reaches only us and we stop the parts in order.
 * @throws Error when the command cannot be started at all
 */
export async function startProcess(options: ManagedProcessOptions): Promise<ManagedProcess> {
  const stopSignal = options.stopSignal ?? 'SIGTERM';
  const child = spawn(options.command, options.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.account ?? {}),
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(`${options.name} could not be started: ${error.message}`)));
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${options.name} could not be started: no process id`);
  running.add(child);

  const watchdog = spawn('/bin/sh', ['-c', WATCHDOG, 'watchdog', stopSignal.slice(3), String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watchdog.on('error', () => undefined);
  watchdog.unref();

  const lines = collectLines(child);
  let ending: string | undefined;
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      ending = signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`;
      running.delete(child);
      // First: from now on the system may give the process id to another program.
      watchdog.kill('SIGKILL');
      watchdog.stdin.destroy();
      resolve(ending);
    });
  });

  return {
    pid,
    recentOutput: () => lines.join('\n'),
    exited: () => ending,
    ended,
    stop: async () => {
      if (ending !== undefined) return;
      child.kill(stopSignal);
      const force = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
      await ended;
      clearTimeout(force);
    },
  };
}

function collectLines(child: ChildProcess): string[] {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8');
    stream?.on('data', (chunk: string) => {
      lines.push(...chunk.split('\n').filter((line) => line.trim() !== ''));
      lines.splice(0, Math.max(0, lines.length - RECENT_LINES));
    });
    // Tests and the demo must be able to exit while a child runs; exit handlers and the watchdog then end the child.
    if (stream !== null && 'unref' in stream && typeof stream.unref === 'function') stream.unref();
  }
  return lines;
}

export interface CommandResult {
  code: number;
  output: string;
}

/**
 * Runs a command to its end and returns its exit code and its combined output.
 * @param timeoutMs limit after which the command is killed and the code is that of a signal
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: { timeoutMs: number; env?: NodeJS.ProcessEnv; account?: { uid: number; gid: number }; cwd?: string },
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.account ?? {}),
    });
    // Creating a database takes seconds and building a server minutes: neither may continue after our own process has ended.
    running.add(child);
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('error', (error) => {
      running.delete(child);
      resolve({ code: 127, output: error.message });
    });
    child.once('close', (code, signal) => {
      running.delete(child);
      const signalCode = signal === null ? 1 : 128 + constants.signals[signal];
      resolve({ code: code ?? signalCode, output: Buffer.concat(chunks).toString('utf8') });
    });
  });
}

/** The first executable of that name on PATH, or undefined. */
export async function findOnPath(name: string, env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  for (const folder of (env.PATH ?? '').split(delimiter).filter((part) => part !== '')) {
    const candidate = join(folder, name);
    if (await isExecutable(candidate)) return candidate;
  }
  return undefined;
}

export async function isExecutable(path: string): Promise<boolean> {
  return access(path, fsConstants.X_OK).then(
    () => true,
    () => false,
  );
}
