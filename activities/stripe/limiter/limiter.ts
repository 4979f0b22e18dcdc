/**
 * Who waits for a request. `interactive`: a customer or an operator (checkout, capture, creating a refund). `background`: nobody
 * (renewals, polling, subscription refreshes, reconciliation). Background requests go after the others, but a share of each limit
 * is reserved for them.
 */
export type RequestPriority = 'interactive' | 'background';

export interface RequestTurn {
  /** Object and verb, e.g. `payment_intents.create`; each has its own limit. */
  readonly endpoint: string;
  readonly priority: RequestPriority;
  /** Identifies the work: the same for every try, so that a retry keeps its place in line. Ids only. */
  readonly ticket: string;
  /** The longest wait; the caller has its own time-out. Milliseconds. */
  readonly maxWaitMs: number;
}

/** A 429, with the reason that the provider gave. */
export interface ProviderRefusal {
  readonly endpoint: string;
  /** The limit that was reached, from `Stripe-Rate-Limited-Reason`. */
  readonly scope: 'account' | 'endpoint' | 'unknown';
  /** The pause that the provider asks for; undefined if it named none. */
  readonly retryAfterMs: number | undefined;
}

/** Spreads the requests of all processes that share it over time. */
export interface RequestLimiter {
  /**
   * Resolves once the request may be sent.
   * @throws {LimiterBusy} if its turn comes later than `maxWaitMs`; nothing was sent, and its place in line is kept
   */
  acquire(turn: RequestTurn): Promise<void>;
  /** Slows down for a while, because the provider refused a request as one too many. */
  refused(refusal: ProviderRefusal): void;
}

/** The line is longer than the caller can wait: try again in `retryAfterMs`. */
export class LimiterBusy extends Error {
  constructor(
    readonly endpoint: string,
    readonly retryAfterMs: number,
  ) {
    super(`the line for ${endpoint} is long; its turn comes in ${retryAfterMs} ms`);
    this.name = 'LimiterBusy';
  }
}

/** What the provider allows, in requests a second. */
export interface RequestLimits {
  readonly perSecond: number;
  readonly perEndpoint: number;
}
