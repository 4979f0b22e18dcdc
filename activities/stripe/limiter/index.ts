import type { Redis } from 'ioredis';
import { createRequestLimiter } from './line';
import { createRedisGate } from './redis-gate';
import { createSharedGate, type SharedGateOptions } from './shared-gate';
import type { RequestLimiter, RequestLimits } from './limiter';

export interface StripeLimiterOptions {
  /** Whose limits these are; live mode and a sandbox have limits of their own. */
  readonly scope: string;
  readonly limits: RequestLimits;
  /** Of the limits, what this process takes by itself while Redis is away. */
  readonly localShare: number;
  readonly onChange?: SharedGateOptions['onChange'];
}

/**
 * The limiter of one process, shared over Redis with all others of its scope.
 *
 * Owned, since no library does it. rate-limiter-flexible counts in fixed windows, so two of them may meet with twice the limit; its union
 * of two limits takes from one where the other refuses, and its queue knows no priorities. Bottleneck has priorities, but keeps
 * its queue in each process and was last released in 2019. Waiting in memory alone was tried on paper and dropped: a sale's line
 * is minutes long, an activity may run for 30 s, and each worker's 100 places would be taken by those who only wait.
 */
export function createStripeLimiter(redis: Redis, options: StripeLimiterOptions): RequestLimiter {
  const { scope, limits, localShare, onChange } = options;
  const shared = createRedisGate(redis, { scope, limits });
  return createRequestLimiter(
    createSharedGate(shared, { limits, localShare, ...(onChange === undefined ? {} : { onChange }) }),
  );
}

export { LimiterBusy } from './limiter';
export type { ProviderRefusal, RequestLimiter, RequestLimits, RequestPriority, RequestTurn } from './limiter';
