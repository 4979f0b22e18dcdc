import { waitFor } from '../../../workers/dependencies/poll';

/** Beyond any load a machine may be under; what comes late is late, what never comes fails the test. */
const LIMIT_MS = 30_000;

/** Waits until `probe` gives a value other than undefined or false, and answers with it. */
export function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  return waitFor(what, LIMIT_MS, async () => {
    const value = await probe();
    return value === false ? undefined : value;
  });
}
