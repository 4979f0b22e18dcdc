import { findRoute } from './router';

/** Requests a second, and the size of the bucket: by default the requests of one second. */
export interface BucketSize {
  perSecond: number;
  burst?: number;
}

/** Limits as Stripe has them: one of the account, and one of each endpoint (a method with a path). */
export interface RateLimit extends BucketSize {
  perEndpoint?: BucketSize;
}

/** Which limit refused a request, as in `Stripe-Rate-Limited-Reason`. */
export type RateLimitReason = 'global-rate' | 'endpoint-rate';

/** Requests that were counted since the limits were set. */
export interface RateLimitTally {
  readonly allowed: number;
  readonly refused: number;
}

/** Token buckets over the account and over each endpoint, in real time. A request that one bucket refuses takes no token from any. */
export class RateLimits {
  private readonly account: TokenBucket;
  private readonly endpoints = new Map<string, TokenBucket>();
  private readonly counts = { allowed: 0, refused: 0 };

  constructor(private readonly limit: RateLimit) {
    this.account = new TokenBucket(limit);
  }

  get tally(): RateLimitTally {
    return { ...this.counts };
  }

  /** The limit that refuses this request; undefined where it may pass, and then it counts. */
  refuses(request: { readonly method: string; readonly path: string }): RateLimitReason | undefined {
    const nowMs = performance.now();
    const endpoint = this.endpoint(request.method, request.path);
    const reason = this.account.isEmpty(nowMs)
      ? 'global-rate'
      : endpoint?.isEmpty(nowMs) === true
        ? 'endpoint-rate'
        : undefined;
    this.counts[reason === undefined ? 'allowed' : 'refused'] += 1;
    if (reason !== undefined) return reason;
    this.account.take();
    endpoint?.take();
    return undefined;
  }

  private endpoint(method: string, path: string): TokenBucket | undefined {
    const { perEndpoint } = this.limit;
    if (perEndpoint === undefined) return undefined;
    const name = `${method} ${findRoute(method, path)?.route.path ?? path}`;
    let bucket = this.endpoints.get(name);
    if (bucket === undefined) this.endpoints.set(name, (bucket = new TokenBucket(perEndpoint)));
    return bucket;
  }
}

class TokenBucket {
  private readonly perSecond: number;
  private readonly burst: number;
  private tokens: number;
  private refilledMs = performance.now();

  constructor({ perSecond, burst = perSecond }: BucketSize) {
    this.perSecond = perSecond;
    this.burst = burst;
    this.tokens = burst;
  }

  isEmpty(nowMs: number): boolean {
    const refill = (Math.max(0, nowMs - this.refilledMs) / 1000) * this.perSecond;
    this.tokens = Math.min(this.burst, this.tokens + refill);
    this.refilledMs = nowMs;
    return this.tokens < 1;
  }

  take(): void {
    this.tokens -= 1;
  }
}
