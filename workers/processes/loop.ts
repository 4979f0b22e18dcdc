import type { Logger } from 'pino';

/** One round of work; answers how many items it found. More than zero asks for another round at once. */
export type Round = () => Promise<number>;

export interface Loop {
  /** Requests a round now. */
  wake(): void;
  /** Stops after the current round. */
  stop(): Promise<void>;
}

/** Pause after a failed round: frequent queries would slow down a database that restarts. */
const AFTER_FAILURE_MS = 1_000;

/** Runs rounds one after another: at once while there is work, else when woken, else after `idleMs`. */
export function startLoop(
  name: string,
  round: Round,
  options: { readonly idleMs: number; readonly log: Logger },
): Loop {
  let stopped = false;
  let woken = false;
  let release: (() => void) | undefined;
  const wake = (): void => {
    woken = true;
    release?.();
  };
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      if (woken || stopped) return resolve();
      const timer = setTimeout(resolve, ms);
      release = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const run = async (): Promise<void> => {
    while (!stopped) {
      woken = false;
      try {
        if ((await round()) > 0) continue;
        await pause(options.idleMs);
      } catch (error) {
        if (stopped) return;
        options.log.warn({ err: error }, `${name}: a round failed; the next one follows after a pause`);
        await pause(AFTER_FAILURE_MS);
      }
    }
  };
  const ended = run();
  return {
    wake,
    async stop() {
      stopped = true;
      release?.();
      await ended;
    },
  };
}
