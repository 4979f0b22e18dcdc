import type { Redis } from 'ioredis';
import { createRequestLimiter } from './line';
import { createRedisGate } from './redis-gate';
import { createSharedGate, type SharedGateOptions } from './shared-gate';
import type { RequestLimiter, RequestLimits } from './limiter';

export interface StripeLimiterOptions {
  /** The account and mode that the limits belong to; live mode and a sandbox have separate limits. */
  readonly scope: string;
  readonly limits: RequestLimits;
  /** The share of the limits that this process uses while Redis is down. */
  readonly localShare: number;
  readonly onChange?: SharedGateOptions['onChange'];
}

/**
 * The limiter of one process; all processes of a scope share the limits over Redis.
 *
 * No library does this. rate-limiter-flexible counts in fixed windows, so twice the limit can pass around a window's end; its
 * union of two limits takes from one even if the other refuses, and its queue has no priorities. Bottleneck has priorities, but
 * keeps its queue in each process and was last released in 2019. Waiting only in memory was rejected on paper: a sale's line is
 * minutes long, an activity may run for 30 s, and waiting requests would fill each worker's 100 slots.
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
