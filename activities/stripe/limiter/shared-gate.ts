import { MemoryGate, type Gate } from './gate';
import type { RequestLimits } from './limiter';

/** A Redis on the same network answers in under a millisecond; one that needs longer than this holds customers up. */
const TIMEOUT_MS = 500;
/** Redis is left alone for so long after a failure: a time-out for each request would be a wait of its own. */
const COOL_DOWN_MS = 1_000;

export interface SharedGateOptions {
  readonly limits: RequestLimits;
  /** Of the limits, what this process takes by itself while the shared gate is away, above 0 and at most 1. */
  readonly localShare: number;
  /** Told once when the shared gate is lost and once when it is back. */
  readonly onChange?: (change: 'lost' | 'back', error?: unknown) => void;
  readonly timeoutMs?: number;
  /** Milliseconds of a clock that does not go back. */
  readonly now?: () => number;
}

/** The shared gate while it answers; meanwhile a share of the limits in this process. Never fails, never hangs. */
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
      // This process learns it in any case: the shared gate may be lost the next moment.
      local.refused(refusal, now());
      await use(
        () => shared.refused(refusal),
        () => undefined,
      );
    },
  };
}

/**
 * A busy process lets its timers go off before it reads what has come in: an answer that is there already is read first, so
 * that being busy is not taken for a lost Redis.
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
