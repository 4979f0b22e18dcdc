import type { Logger } from 'pino';

/** One round of work; answers how many items it found. More than zero asks for another round at once. */
export type Round = () => Promise<number>;

export interface Loop {
  /** Asks for a round now. */
  wake(): void;
  /** Ends after the round that runs. */
  stop(): Promise<void>;
}

/** After a failed round the next one waits this long: a database that restarts is not helped by a thousand questions. */
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
        options.log.warn({ err: error }, `${name}: a round failed and is tried again`);
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
