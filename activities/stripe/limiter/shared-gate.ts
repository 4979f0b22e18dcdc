import { MemoryGate, type Gate } from './gate';
import type { RequestLimits } from './limiter';

/** A Redis in the same network answers in under a millisecond; a slower one than this would delay customers. */
const TIMEOUT_MS = 500;
/** How long Redis is not asked after a failure; otherwise every request would wait for the time-out. */
const COOL_DOWN_MS = 1_000;

export interface SharedGateOptions {
  readonly limits: RequestLimits;
  /** The share of the limits that this process uses while the shared gate does not answer; above 0, at most 1. */
  readonly localShare: number;
  /** Called once when the shared gate is lost and once when it is back. */
  readonly onChange?: (change: 'lost' | 'back', error?: unknown) => void;
  readonly timeoutMs?: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

/** Uses the shared gate while it answers, otherwise a gate in this process with a share of the limits. Never fails, never hangs. */
export function createSharedGate(shared: Gate, options: SharedGateOptions): Gate {
  const { limits, localShare, timeoutMs = TIMEOUT_MS, now = () => performance.now() } = options;
  const local = new MemoryGate({
    perSecond: limits.perSecond * localShare,
    perEndpoint: limits.perEndpoint * localShare,
  });
  let alone = false;
  let aloneUntilMs = 0;
  const use = async <T>(ask: () => Promise<T>, instead: () => T): Promise<T> => {
    if (alone && now() < aloneUntilMs) return instead();
    try {
      const answer = await within(ask(), timeoutMs);
      if (alone) options.onChange?.('back');
      alone = false;
      return answer;
    } catch (error) {
      aloneUntilMs = now() + COOL_DOWN_MS;
      if (!alone) options.onChange?.('lost', error);
      alone = true;
      return instead();
    }
  };
  return {
    ask: (endpoint, asks) =>
      use(
        () => shared.ask(endpoint, asks),
        () => local.ask(endpoint, asks, now()),
      ),
    async refused(refusal) {
      // The local gate learns it, too, because the shared one may be lost at any moment.
      local.refused(refusal, now());
      await use(
        () => shared.refused(refusal),
        () => undefined,
      );
    },
  };
}

/**
 * A busy process runs its timers before it reads what has arrived. `setImmediate` lets it read an answer that is already there,
 * so that a busy process does not mistake its own delay for a lost Redis.
 */
async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const giveUp = (): void => reject(new Error(`no answer within ${timeoutMs} ms`));
    timer = setTimeout(() => setImmediate(giveUp), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
