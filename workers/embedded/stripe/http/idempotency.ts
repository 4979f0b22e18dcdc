import { createHash } from 'node:crypto';
import type { SimulatorClock } from '../state/clock';
import { StripeApiError } from './errors';

/** Keys may be pruned once they are this old. https://docs.stripe.com/api/idempotent_requests */
const LIFETIME_MS = 24 * 3_600_000;
const MAX_KEY_LENGTH = 255;

/** One key with its request. `response` is absent while the first request is in flight. */
export interface IdempotencyEntry {
  readonly key: string;
  readonly method: string;
  readonly path: string;
  readonly fingerprint: string;
  readonly requestId: string;
  readonly createdMs: number;
  response: { status: number; body: string } | undefined;
  replays: number;
}

/** Stores the outcome of every request with a key, 402s and 500s included, and refuses a key that was used for another request. */
export class IdempotencyStore {
  /** Called with every entry that has got its outcome. */
  onSettled: ((entry: IdempotencyEntry) => void) | undefined;
  private readonly entries = new Map<string, IdempotencyEntry>();

  /** `cap`: the most keys that are stored; above it the oldest are pruned early, unlike at Stripe. */
  constructor(
    private readonly clock: SimulatorClock,
    private readonly cap: number,
  ) {}

  /** Claims the key for a new request, or returns the entry to replay; throws Stripe's 400 and 409. */
  begin(key: string, request: { method: string; path: string; body: string; id: string }): IdempotencyEntry {
    if (key.length > MAX_KEY_LENGTH) {
      throw idempotencyError(400, `Idempotency keys can be at most ${MAX_KEY_LENGTH} characters long.`);
    }
    this.prune();
    const fingerprint = fingerprintOf(request.body);
    const entry = this.entries.get(key);
    if (entry !== undefined) {
      assertSameRequest(entry, request, fingerprint);
      entry.replays += 1;
      return entry;
    }
    const { method, path, id: requestId } = request;
    const claimed = {
      key,
      method,
      path,
      fingerprint,
      requestId,
      createdMs: this.clock.now(),
      response: undefined,
      replays: 0,
    };
    this.entries.set(key, claimed);
    return claimed;
  }

  /** Stores the answer of the key's request. */
  settle(entry: IdempotencyEntry, response: { status: number; body: string }): void {
    entry.response = response;
    this.onSettled?.(entry);
  }

  /** Restores an entry of an earlier process; the oldest are dropped above the cap. */
  restore(entry: IdempotencyEntry): void {
    this.entries.delete(entry.key);
    this.entries.set(entry.key, entry);
    const [oldest] = this.entries.keys();
    if (this.entries.size > this.cap && oldest !== undefined) this.entries.delete(oldest);
  }

  get size(): number {
    return this.entries.size;
  }

  /** Frees a key whose request never began to execute. */
  release(entry: IdempotencyEntry): void {
    if (this.entries.get(entry.key) === entry) this.entries.delete(entry.key);
  }

  values(): IdempotencyEntry[] {
    return [...this.entries.values()];
  }

  private prune(): void {
    for (const [key, entry] of this.entries) {
      const isOld = entry.createdMs + LIFETIME_MS <= this.clock.now();
      if (!isOld && this.entries.size < this.cap) return;
      this.entries.delete(key);
    }
  }
}

/** The same parameters in another order are the same request. */
function fingerprintOf(body: string): string {
  return createHash('sha1').update(body.split('&').sort().join('&')).digest('base64');
}

function assertSameRequest(
  entry: IdempotencyEntry,
  request: { method: string; path: string },
  fingerprint: string,
): void {
  const hint = `Try using a key other than '${entry.key}' if you meant to execute a different request.`;
  if (entry.path !== request.path || entry.method !== request.method) {
    const message = `Keys for idempotent requests can only be used for the same endpoint they were first used for ('${request.path}' vs '${entry.path}'). ${hint}`;
    throw idempotencyError(400, message);
  }
  if (entry.fingerprint !== fingerprint) {
    throw idempotencyError(
      400,
      `Keys for idempotent requests can only be used with the same parameters they were first used with. ${hint}`,
    );
  }
  if (entry.response === undefined) {
    const message = `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${entry.key}. Please try again later.`;
    throw idempotencyError(409, message, 'idempotency_key_in_use');
  }
}

function idempotencyError(status: number, message: string, code?: string): StripeApiError {
  const withCode = code === undefined ? {} : { code };
  return new StripeApiError(status, { type: 'idempotency_error', message, ...withCode }, false);
}
