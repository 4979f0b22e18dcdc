import { setTimeout as delay } from 'node:timers/promises';
import type { Log, ManagedProcess } from './process';

/** If a child ends this often within the window, another restart will not help. */
const MAX_ENDS = 5;
const WINDOW_MS = 60_000;
/** The sessions of a killed Postgres take some tens of milliseconds to end; until then it refuses to start. */
const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5_000;

/** A child that is restarted when it ends by itself. */
export interface WatchedProcess {
  /** Ends it permanently, even during a restart. Safe to call twice. */
  stop(): Promise<void>;
}

export interface WatchOptions<T> {
  readonly name: string;
  /** Starts the child, each time on the same port and data. */
  readonly start: () => Promise<ManagedProcess>;
  /** Resolves once it serves. */
  readonly ready: (child: ManagedProcess) => Promise<T>;
  readonly log: Log;
  /** Called once, with a sentence for people, when no further restart is tried. Without this callback it is never restarted. */
  readonly onGivenUp?: ((reason: string) => void) | undefined;
}

/**
 * Starts a child and restarts it, after growing pauses, when it ends by itself. Gives up after {@link MAX_ENDS} ends within
 * {@link WINDOW_MS}.
 * @throws Error of the first start; nothing is left running
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

  /** @returns how it ended, or why it did not become ready */
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
      log(`${name}: ended by itself (${how.split('\n')[0]}), restarting in ${pauseMs / 1_000} s`);
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
    }
  };
  const keeping = keepUp();
  return {
    async stop() {
      stopping.abort();
      await current.stop();
      // A start that is under way sees the flag and stops.
      await keeping;
    },
  };
}

/** Rejects when the child ends, because its `ready` would wait for ever. */
function serving<T>(child: ManagedProcess, { name, ready }: WatchOptions<T>): Promise<T> {
  const ended = child.ended.then((how) => {
    throw new Error(`${name} ended with ${how}:\n${child.recentOutput()}`);
  });
  return Promise.race([ready(child), ended]);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
