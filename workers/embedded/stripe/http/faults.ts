import { RateLimits, type RateLimit, type RateLimitReason, type RateLimitTally } from './rate-limits';

/** Which requests a fault is for; all given fields must fit. Patterns are regular expressions. */
export interface FaultMatch {
  method?: string;
  pathPattern?: string;
  idempotencyKeyPattern?: string;
  /** Only from the nth matching request on (1 = the first). */
  nth?: number;
}

/**
 * When a fault happens. `before`: nothing was executed and no key is stored. `during`: nothing changed, but execution had begun, so
 * the key stores the 500. `after`: the change is made, and only the answer is wrong or lost.
 */
export type FaultAction =
  | { kind: 'rate_limit'; shouldRetry?: boolean; retryAfterSeconds?: number }
  | { kind: 'lock_timeout'; shouldRetry?: boolean }
  /** A refusal, with an error code, a parameter, both or neither. */
  | { kind: 'refusal'; code?: string; param?: string }
  | { kind: 'server_error'; when: 'before' | 'during' | 'after'; status?: 500 | 502 | 503; shouldRetry?: boolean }
  | { kind: 'reset'; when: 'before' | 'after' }
  /** The answer waits `delayMs` of real time. */
  | { kind: 'delay'; when: 'before' | 'after'; delayMs: number }
  /** The answer waits until `release`; the key counts as in flight meanwhile. */
  | { kind: 'hold'; when: 'before' | 'after' };

export interface FaultRule {
  match?: FaultMatch;
  action: FaultAction;
  /** The number of requests it applies to; 1 by default, `Infinity` (over HTTP: 0) for all. */
  times?: number;
}

interface ActiveFault {
  readonly id: string;
  readonly match: FaultMatch;
  readonly action: FaultAction;
  remaining: number;
  seen: number;
  fired: number;
  waiting: (() => void)[];
  released: boolean;
}

/** One fault as the control endpoint lists it. */
export type FaultView = Pick<ActiveFault, 'id' | 'match' | 'action' | 'remaining' | 'fired'> & { held: number };

interface FaultableRequest {
  readonly method: string;
  readonly path: string;
  readonly idempotencyKey: string | null;
}

/** The queue of faults. The first rule that matches a request and is not used up applies. */
export class Faults {
  private readonly rules: ActiveFault[] = [];
  private readonly heldListeners = new Set<() => void>();
  private sequence = 0;
  private limits: RateLimits | undefined;

  /** Adds a rule and answers its id. */
  add(rule: FaultRule): string {
    const { match = {}, action, times = 1 } = rule;
    // A bad pattern should fail here, at its author, and not in some later request.
    for (const pattern of [match.pathPattern, match.idempotencyKeyPattern])
      if (pattern !== undefined) new RegExp(pattern);
    const id = `fault_${(this.sequence += 1)}`;
    this.rules.push({ id, match, action, remaining: times, seen: 0, fired: 0, waiting: [], released: false });
    return id;
  }

  /** Removes a rule and releases the requests that it holds; without an id, all rules. */
  clear(id?: string): void {
    for (const rule of this.rules.filter((candidate) => id === undefined || candidate.id === id)) {
      this.release(rule.id);
      this.rules.splice(this.rules.indexOf(rule), 1);
    }
  }

  /** Releases the requests that a `hold` holds; later ones pass, too. */
  release(id: string): void {
    const rule = this.rules.find((candidate) => candidate.id === id);
    if (rule === undefined) return;
    rule.released = true;
    for (const resume of rule.waiting.splice(0)) resume();
  }

  /** Resolves once `count` requests are being held by the rule. */
  async untilHeld(id: string, count = 1): Promise<void> {
    const isHeld = (): boolean => (this.rules.find((rule) => rule.id === id)?.waiting.length ?? 0) >= count;
    if (isHeld()) return;
    await new Promise<void>((resolve) => {
      const listener = (): void => {
        if (!isHeld()) return;
        this.heldListeners.delete(listener);
        resolve();
      };
      this.heldListeners.add(listener);
    });
  }

  /** Token buckets over the account and each endpoint, in real time; undefined switches them off (the default). */
  setRateLimit(limit: RateLimit | undefined): void {
    this.limits = limit === undefined ? undefined : new RateLimits(limit);
  }

  /** Requests that the rate limits passed and refused since they were set. */
  get rateLimitTally(): RateLimitTally {
    return this.limits?.tally ?? { allowed: 0, refused: 0 };
  }

  list(): FaultView[] {
    return this.rules.map(({ id, match, action, remaining, fired, waiting }) => ({
      id,
      match,
      action,
      remaining,
      fired,
      held: waiting.length,
    }));
  }

  /** The fault for this request, if any; counts as used. */
  take(request: FaultableRequest): ActiveFault | undefined {
    for (const rule of this.rules) {
      if (rule.remaining <= 0 || !fits(rule.match, request)) continue;
      rule.seen += 1;
      if (rule.seen < (rule.match.nth ?? 1)) continue;
      rule.remaining -= 1;
      rule.fired += 1;
      return rule;
    }
    return undefined;
  }

  /** Waits for a `delay` or `hold` of this stage; returns at once for other faults. */
  async pause(fault: ActiveFault | undefined, stage: 'before' | 'after'): Promise<void> {
    if (fault === undefined) return;
    const { action } = fault;
    if (action.kind === 'delay' && action.when === stage) {
      await new Promise((resolve) => setTimeout(resolve, action.delayMs));
    }
    if (action.kind === 'hold' && action.when === stage && !fault.released) {
      await new Promise<void>((resolve) => {
        fault.waiting.push(resolve);
        for (const listener of this.heldListeners) listener();
      });
    }
  }

  /** The rate limit that refuses this request, if any; otherwise the request counts. */
  overRate(request: FaultableRequest): RateLimitReason | undefined {
    return this.limits?.refuses(request);
  }
}

export type { ActiveFault };

function fits(match: FaultMatch, request: FaultableRequest): boolean {
  if (match.method !== undefined && match.method.toUpperCase() !== request.method) return false;
  if (match.pathPattern !== undefined && !new RegExp(match.pathPattern).test(request.path)) return false;
  if (match.idempotencyKeyPattern === undefined) return true;
  return request.idempotencyKey !== null && new RegExp(match.idempotencyKeyPattern).test(request.idempotencyKey);
}
