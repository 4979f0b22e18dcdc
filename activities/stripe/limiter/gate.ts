import type { ProviderRefusal, RequestLimits, RequestPriority } from './limiter';

/*
 * Who may send a request now, and when the others should ask again: token buckets for the account and for each endpoint, taken
 * together, and a line for each endpoint and priority. Pure: the time is given. `scripts.ts` is the same for Redis, and a test
 * holds the two to each other, draw by draw.
 */

/**
 * So many seconds of its limit a bucket holds. What goes out together after a pause is at most this much over the steady rate, and
 * the provider's own bucket holds a second's worth: the other half is for requests that leave one by one and arrive at once.
 */
export const BURST_S = 0.5;
/**
 * Of each limit, what background work gets however long the customers' line is: a tenth delays a sale by a tenth, and lets
 * through 9,000 requests in an hour of 25/s, so that no renewal waits for the 6 h after which it is given up.
 */
export const BACKGROUND_SHARE = 0.1;
/**
 * Who was sent away is called back so early: Temporal's timers are late by up to a second, and a turn that nobody is there to take
 * is lost. What nobody waits for comes back later, and leaves the places in the workers to customers.
 */
export const LEAD_MS = { interactive: 2_000, background: 500 } as const;
/** Background work that waits for so long after its time, since customers came meanwhile, goes to the end of its line. */
export const OVERDUE_MS = 2_000;
/** A place is kept so long after its time; longer than any retry is late. */
export const TICKET_LIFE_MS = 10 * 60_000;
/** After a 429 the rate is halved, and is back within half of this. */
export const RECOVERY_MS = 20_000;
/** Slower than this share of its limit it never gets: one request has to go out to find that the provider is well again. */
export const SLOWEST = 0.1;
/** Requests that were under way together are refused together; that is one reason to slow down, not many. */
export const ONE_REFUSAL_MS = 1_000;
/** No pause is longer: what lies further ahead is a clock that was set back. */
export const LONGEST_PAUSE_MS = 30_000;

/** One request that asks whether it may go; see `RequestTurn`. */
export interface Ask {
  readonly ticket: string;
  readonly priority: RequestPriority;
}

export type Answer =
  | { readonly kind: 'go' }
  /** Its place in line comes up in `dueMs`; asking before `askAgainMs` is in vain. */
  | { readonly kind: 'wait'; readonly askAgainMs: number; readonly dueMs: number };

/** What decides; in Redis for all processes, or in this one. */
export interface Gate {
  /** Answers in the order of the asks; those before have the tokens first. */
  ask(endpoint: string, asks: readonly Ask[]): Promise<readonly Answer[]>;
  refused(refusal: ProviderRefusal): Promise<void>;
}

interface Bucket {
  readonly perSecond: number;
  tokens: number;
  /** When `tokens` was true; in the future: nothing goes out before. */
  atMs: number;
  /** When background work may take its own share again. */
  laneMs: number;
  factor: number;
  slowedAtMs: number;
}

interface Endpoint {
  readonly bucket: Bucket;
  readonly lines: Readonly<Record<RequestPriority, Map<string, number>>>;
  /** When the next one to join each line is due. */
  readonly tails: Record<RequestPriority, number>;
}

/** The gate in this process's memory. Times are milliseconds of any clock that does not go back. */
export class MemoryGate {
  private account: Bucket | undefined;
  private readonly endpoints = new Map<string, Endpoint>();

  constructor(private readonly limits: RequestLimits) {}

  ask(endpoint: string, asks: readonly Ask[], nowMs: number): Answer[] {
    const account = (this.account ??= freshBucket(this.limits.perSecond, nowMs));
    const place = this.endpoint(endpoint, nowMs);
    refill(account, nowMs);
    refill(place.bucket, nowMs);
    return asks.map((ask) => decide(account, place, ask, nowMs));
  }

  refused({ endpoint, scope, retryAfterMs = 0 }: ProviderRefusal, nowMs: number): void {
    if (scope !== 'endpoint') slow((this.account ??= freshBucket(this.limits.perSecond, nowMs)), retryAfterMs, nowMs);
    if (scope !== 'account') slow(this.endpoint(endpoint, nowMs).bucket, retryAfterMs, nowMs);
  }

  private endpoint(name: string, nowMs: number): Endpoint {
    let found = this.endpoints.get(name);
    if (found === undefined) {
      const lines = { interactive: new Map<string, number>(), background: new Map<string, number>() };
      found = {
        bucket: freshBucket(this.limits.perEndpoint, nowMs),
        lines,
        tails: { interactive: 0, background: 0 },
      };
      this.endpoints.set(name, found);
    }
    for (const line of Object.values(found.lines)) prune(line, nowMs);
    return found;
  }
}

/** One token: whoever comes after a loss of all that was known must not add a whole burst to what went out just before. */
function freshBucket(perSecond: number, nowMs: number): Bucket {
  return { perSecond, tokens: 1, atMs: nowMs, laneMs: 0, factor: 1, slowedAtMs: 0 };
}

function refill(bucket: Bucket, nowMs: number): void {
  if (bucket.atMs > nowMs + LONGEST_PAUSE_MS) bucket.atMs = nowMs;
  if (bucket.atMs >= nowMs) return;
  const gained = (nowMs - bucket.atMs) * ratePerMs(bucket, nowMs);
  bucket.tokens = Math.min(burstOf(bucket), bucket.tokens + gained);
  bucket.atMs = nowMs;
}

function decide(account: Bucket, place: Endpoint, ask: Ask, nowMs: number): Answer {
  const { priority, ticket } = ask;
  const line = place.lines[priority];
  const kept = line.get(ticket);
  const known = kept !== undefined && kept >= nowMs - TICKET_LIFE_MS ? kept : undefined;
  const tail = place.tails[priority];
  let dueMs = known ?? Math.max(nowMs, tail);
  const buckets = [account, place.bucket];
  const leadMs = LEAD_MS[priority];
  // Where the endpoint's bucket runs over, those who are called back are late: whoever is here may go.
  const called = dueMs - leadMs <= nowMs || place.bucket.tokens >= burstOf(place.bucket) - 1;
  if (called && buckets.every((bucket) => mayTake(bucket, priority, nowMs))) {
    for (const bucket of buckets) take(bucket, priority, nowMs);
    line.delete(ticket);
    if (known === undefined && tail > nowMs)
      place.tails[priority] = tail + intervalMs(account, place, priority, tail, nowMs);
    return { kind: 'go' };
  }
  const overdue = priority === 'background' && dueMs + OVERDUE_MS < nowMs && place.tails.interactive > nowMs;
  if (known === undefined || overdue) {
    dueMs = Math.max(nowMs, tail);
    line.delete(ticket);
    line.set(ticket, dueMs);
    place.tails[priority] = dueMs + intervalMs(account, place, priority, dueMs, nowMs);
  }
  const tokenMs = Math.max(...buckets.map((bucket) => untilTokenMs(bucket, priority, nowMs)));
  const askAgainMs = Math.max(1, Math.ceil(Math.max(dueMs - leadMs - nowMs, tokenMs)));
  return { kind: 'wait', askAgainMs, dueMs: Math.max(0, Math.ceil(dueMs - nowMs)) };
}

/** Background work leaves some tokens for a customer who comes now, unless its own share is due. */
function mayTake(bucket: Bucket, priority: RequestPriority, nowMs: number): boolean {
  if (bucket.atMs > nowMs) return false;
  if (priority === 'interactive') return bucket.tokens >= 1;
  return bucket.tokens >= 1 + headroomOf(bucket) || bucket.laneMs <= nowMs;
}

/** The share of background work may be taken on credit: the customers' next token comes later by as much. */
function take(bucket: Bucket, priority: RequestPriority, nowMs: number): void {
  if (priority === 'background' && bucket.tokens < 1 + headroomOf(bucket)) {
    bucket.laneMs = nowMs + 1 / (BACKGROUND_SHARE * ratePerMs(bucket, nowMs));
  }
  bucket.tokens -= 1;
}

function untilTokenMs(bucket: Bucket, priority: RequestPriority, nowMs: number): number {
  const pauseMs = Math.max(0, bucket.atMs - nowMs);
  const needed = priority === 'interactive' ? 1 : 1 + headroomOf(bucket);
  const refillMs = pauseMs + Math.max(0, needed - bucket.tokens) / ratePerMs(bucket, nowMs);
  if (priority === 'interactive') return refillMs;
  return Math.min(refillMs, Math.max(pauseMs, bucket.laneMs - nowMs));
}

/** How far apart those in line are called; as long as customers stand in theirs, background work gets its share only. */
function intervalMs(
  account: Bucket,
  place: Endpoint,
  priority: RequestPriority,
  fromMs: number,
  nowMs: number,
): number {
  const rate = Math.min(ratePerMs(account, nowMs), ratePerMs(place.bucket, nowMs));
  const isBehind = priority === 'background' && place.tails.interactive > fromMs;
  return 1 / (isBehind ? rate * BACKGROUND_SHARE : rate);
}

function slow(bucket: Bucket, retryAfterMs: number, nowMs: number): void {
  refill(bucket, nowMs);
  if (nowMs - bucket.slowedAtMs >= ONE_REFUSAL_MS) {
    bucket.factor = Math.max(SLOWEST, factorOf(bucket, nowMs) / 2);
    bucket.slowedAtMs = nowMs;
  }
  bucket.tokens = Math.min(bucket.tokens, 0);
  bucket.atMs = Math.max(bucket.atMs, nowMs + Math.min(retryAfterMs, LONGEST_PAUSE_MS));
}

function factorOf(bucket: Bucket, nowMs: number): number {
  return Math.min(1, bucket.factor + (nowMs - bucket.slowedAtMs) / RECOVERY_MS);
}

function ratePerMs(bucket: Bucket, nowMs: number): number {
  return (bucket.perSecond * factorOf(bucket, nowMs)) / 1000;
}

function burstOf(bucket: Bucket): number {
  return Math.max(1, bucket.perSecond * BURST_S);
}

function headroomOf(bucket: Bucket): number {
  return Math.min(burstOf(bucket) / 2, burstOf(bucket) - 1);
}

/** Places that nobody came for, the oldest first. */
function prune(line: Map<string, number>, nowMs: number): void {
  for (const [ticket, dueMs] of line) {
    if (dueMs >= nowMs - TICKET_LIFE_MS) return;
    line.delete(ticket);
  }
}
