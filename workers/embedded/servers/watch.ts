import { setTimeout as delay } from 'node:timers/promises';
import type { Log, ManagedProcess } from './process';

/** A child that ends this often within the window does not stay up for a reason that another start does not mend. */
const MAX_ENDS = 5;
const WINDOW_MS = 60_000;
/** Sessions of a killed Postgres need some tens of milliseconds to end, and it refuses to start before. */
const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5_000;

/** A child whose end is noticed. */
export interface WatchedProcess {
  /** Ends it for good, also in the middle of a restart. Safe to call twice. */
  stop(): Promise<void>;
}

export interface WatchOptions<T> {
  readonly name: string;
  /** Starts the child, each time on the same port and data. */
  readonly start: () => Promise<ManagedProcess>;
  /** Resolves once it serves. */
  readonly ready: (child: ManagedProcess) => Promise<T>;
  readonly log: Log;
  /** Called once, with a sentence for a person, where it is not started again. Without it a child is started once. */
  readonly onGivenUp?: ((reason: string) => void) | undefined;
}

/**
 * Starts a child and, where it ends by itself, starts it again after a pause that grows, until {@link MAX_ENDS} ends
 * within {@link WINDOW_MS}.
 * @throws Error of the first start; nothing is left running then
 */
export async function startWatched<T>(options: WatchOptions<T>): Promise<{ child: WatchedProcess; answer: T }> {
  const first = await options.start();
  try {
    const answer = await serving(first, options);
    return { child: options.onGivenUp === undefined ? first : watch(first, options, options.onGivenUp), answer };
  } catch (error) {
    await first.stop();
    throw error;
  }
}

function watch<T>(
  first: ManagedProcess,
  options: WatchOptions<T>,
  onGivenUp: (reason: string) => void,
): WatchedProcess {
  const { name, start, log } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let current = first;

  /** @returns how it ended, or why it did not begin to serve */
  const runOnce = async (): Promise<string> => {
    let child: ManagedProcess;
    try {
      child = current = await start();
    } catch (error) {
      return messageOf(error);
    }
    if (signal.aborted) await child.stop();
    try {
      await serving(child, options);
      return await child.ended;
    } catch (error) {
      const ended = child.exited();
      await child.stop();
      return ended === undefined ? messageOf(error) : `${ended}\n${child.recentOutput()}`.trimEnd();
    }
  };

  const keepUp = async (): Promise<void> => {
    const endsMs: number[] = [];
    for (let how = await first.ended; !signal.aborted; how = await runOnce()) {
      const nowMs = Date.now();
      endsMs.push(nowMs);
      while (nowMs - (endsMs[0] ?? nowMs) > WINDOW_MS) endsMs.shift();
      if (endsMs.length >= MAX_ENDS) {
        onGivenUp(`${name} ended ${MAX_ENDS} times within ${WINDOW_MS / 1_000} s, the last time with ${how}`);
        return;
      }
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (endsMs.length - 1), MAX_PAUSE_MS);
      log(`${name}: ended by itself (${how.split('\n')[0]}), starts again in ${pauseMs / 1_000} s`);
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
    }
  };
  const keeping = keepUp();
  return {
    async stop() {
      stopping.abort();
      await current.stop();
      // A start that was under way finds itself stopped.
      await keeping;
    },
  };
}

/** A child that has ended never serves, whatever its `ready` still waits for. */
function serving<T>(child: ManagedProcess, { name, ready }: WatchOptions<T>): Promise<T> {
  const ended = child.ended.then((how) => {
    throw new Error(`${name} ended with ${how}:\n${child.recentOutput()}`);
  });
  return Promise.race([ready(child), ended]);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
