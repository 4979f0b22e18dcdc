import type { ProviderRefusal, RequestLimits, RequestPriority } from './limiter';

/*
 * Decides which requests may be sent now, and when the others should ask again. A request takes a token from two buckets, the
 * account's and its endpoint's; each endpoint has a line for each priority. Pure: the caller passes the time. `scripts.ts` is the
 * same algorithm for Redis, and a test compares the two step by step.
 */

/**
 * Seconds of its limit that a bucket holds, which bounds the burst after a pause. The provider's own bucket holds one second; the
 * other half is for requests that leave one by one but arrive together.
 */
export const BURST_S = 0.5;
/**
 * The share of each limit that background work always gets, however long the customers' line is. A tenth delays a sale by a
 * tenth and lets 9,000 requests through in an hour of 25/s, so that no renewal waits for the 6 h after which it is given up.
 */
export const BACKGROUND_SHARE = 0.1;
/**
 * How long before its turn a request should ask again. Temporal's timers are late by up to a second, and a turn that is missed is
 * lost. Background work asks later, so that it occupies the workers' slots for less time.
 */
export const LEAD_MS = { interactive: 2_000, background: 500 } as const;
/** Background work that is overdue by this, because customers came first, goes to the end of its line. */
export const OVERDUE_MS = 2_000;
/** How long a place is kept after its turn; longer than any retry is late. */
export const TICKET_LIFE_MS = 10 * 60_000;
/** A 429 halves the rate; it is back within half of this time. */
export const RECOVERY_MS = 20_000;
/** The rate never falls below this share of its limit: some request must go out to find that the provider has recovered. */
export const SLOWEST = 0.1;
/** Requests under way at the same time are refused together; refusals within this time slow the rate down only once. */
export const ONE_REFUSAL_MS = 1_000;
/** The longest pause. A bucket whose time is further ahead shows that the clock was set back. */
export const LONGEST_PAUSE_MS = 30_000;

/** One request that asks whether it may be sent; see `RequestTurn`. */
export interface Ask {
  readonly ticket: string;
  readonly priority: RequestPriority;
}

export type Answer =
  | { readonly kind: 'go' }
  /** Its turn comes in `dueMs`; asking again before `askAgainMs` is useless. */
  | { readonly kind: 'wait'; readonly askAgainMs: number; readonly dueMs: number };

/** Decides in Redis for all processes, or in memory for this one. */
export interface Gate {
  /** Answers in the order of the asks; earlier ones get tokens first. */
  ask(endpoint: string, asks: readonly Ask[]): Promise<readonly Answer[]>;
  refused(refusal: ProviderRefusal): Promise<void>;
}

interface Bucket {
  readonly perSecond: number;
  tokens: number;
  /** The time that `tokens` refers to; if it is in the future, nothing is sent before. */
  atMs: number;
  /** When background work may next take from its own share. */
  laneMs: number;
  factor: number;
  slowedAtMs: number;
}

interface Endpoint {
  readonly bucket: Bucket;
  readonly lines: Readonly<Record<RequestPriority, Map<string, number>>>;
  /** The turn of the next request that joins each line. */
  readonly tails: Record<RequestPriority, number>;
}

/** The gate in this process's memory. Times are milliseconds of a clock that never goes back. */
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

/** Starts with one token: after Redis has lost its data, a full bucket would add a whole burst to what was sent just before. */
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
  // A full endpoint bucket shows that those whose turn it is are late, so any request that asks may go.
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

/** Background work leaves some tokens for a customer's next request, unless its own share is due. */
function mayTake(bucket: Bucket, priority: RequestPriority, nowMs: number): boolean {
  if (bucket.atMs > nowMs) return false;
  if (priority === 'interactive') return bucket.tokens >= 1;
  return bucket.tokens >= 1 + headroomOf(bucket) || bucket.laneMs <= nowMs;
}

/** Background work may take its share on credit, which delays the customers' next token by as much. */
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

/** The time between two turns of a line. While customers wait in theirs, background work gets only its share. */
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

/** Removes places whose request never came back; the line is sorted by turn. */
function prune(line: Map<string, number>, nowMs: number): void {
  for (const [ticket, dueMs] of line) {
    if (dueMs >= nowMs - TICKET_LIFE_MS) return;
    line.delete(ticket);
  }
}
