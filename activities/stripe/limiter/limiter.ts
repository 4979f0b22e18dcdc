/**
 * Who waits for a request. `interactive`: a customer or an operator looks on (checkout, capture, a refund being created).
 * `background`: nobody does (renewals, polling, subscription refreshes, reconciliation); it goes after the others, and is
 * never starved: a share of each limit is its own.
 */
export type RequestPriority = 'interactive' | 'background';

export interface RequestTurn {
  /** Object and verb, e.g. `payment_intents.create`; each has a limit of its own. */
  readonly endpoint: string;
  readonly priority: RequestPriority;
  /** Whose turn it is: the same from try to try, so that who comes back keeps his place. Ids only. */
  readonly ticket: string;
  /** No longer than this: the caller has a time-out of its own. Milliseconds. */
  readonly maxWaitMs: number;
}

/** A 429, as far as the provider told why. */
export interface ProviderRefusal {
  readonly endpoint: string;
  /** Whose limit was met, as `Stripe-Rate-Limited-Reason` says. */
  readonly scope: 'account' | 'endpoint' | 'unknown';
  /** What the provider asks for; undefined where it named nothing. */
  readonly retryAfterMs: number | undefined;
}

/** Spreads requests over time, over all processes that share it. */
export interface RequestLimiter {
  /**
   * Resolves once the request may be sent.
   * @throws {LimiterBusy} its turn would come later than `maxWaitMs`; nothing was sent, and its place is kept
   */
  acquire(turn: RequestTurn): Promise<void>;
  /** The provider was asked too often after all: go slower for a while. */
  refused(refusal: ProviderRefusal): void;
}

/** The line is longer than the caller can wait: come back in `retryAfterMs`. */
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
