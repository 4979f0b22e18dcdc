import { setTimeout as delay } from 'node:timers/promises';

/**
 * Polls until the condition gives a value.
 * @param what part of the error's message, e.g. "Temporal to serve"
 * @param timeoutMs the limit; the error contains the last error of the condition
 * @param condition returns undefined or throws while it is not met
 * @throws Error after the limit, or at once with what `abort` returns
 */
export async function waitFor<T>(
  what: string,
  timeoutMs: number,
  condition: () => Promise<T | undefined>,
  abort: () => string | undefined = () => undefined,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    const aborted = abort();
    if (aborted !== undefined) throw new Error(`Waiting for ${what}: ${aborted}`);
    try {
      const value = await condition();
      if (value !== undefined) return value;
    } catch (error) {
      lastError = error;
    }
    if (Date.now() > deadline) {
      const reason = lastError instanceof Error ? `; last error: ${lastError.message}` : '';
      throw new Error(`Gave up waiting for ${what} after ${timeoutMs} ms${reason}`);
    }
    await delay(POLL_MS);
  }
}

/** Short compared to the second that servers need to start, long enough to cost little CPU. */
const POLL_MS = 50;
