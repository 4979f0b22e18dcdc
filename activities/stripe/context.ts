import { Context } from '@temporalio/activity';
import type Stripe from 'stripe';
import { formatMoney } from '../../workflows/domain/shared/money';
import type { PaymentCache } from '../cache';
import type { PaymentStore } from '../storage/payments/store';
import { toFailure, type StripeCall } from './errors';
import type { RequestLimiter } from './limiter';
import { PaymentProvider, type ProviderSession } from './provider';

/** The log of activities; ids only. pino fits it. */
export interface PaymentLog {
  warn(details: Readonly<Record<string, unknown>>, message: string): void;
}

/** What the payment activities need. */
export interface PaymentDependencies {
  readonly stripe: Stripe;
  readonly store: PaymentStore;
  readonly cache: PaymentCache;
  readonly log?: PaymentLog;
  /** Milliseconds since the epoch. Default: the system's clock. */
  readonly now?: () => number;
  readonly limiter?: RequestLimiter;
}

/** The resolved dependencies, shared by all activities of a process. */
export interface PaymentContext {
  readonly stripe: Stripe;
  readonly store: PaymentStore;
  readonly cache: PaymentCache;
  readonly log: PaymentLog;
  readonly now: () => number;
  readonly provider: PaymentProvider;
}

export function paymentContext(deps: PaymentDependencies): PaymentContext {
  const { stripe, store, cache } = deps;
  return {
    stripe,
    store,
    cache,
    log: deps.log ?? { warn: () => undefined },
    now: deps.now ?? Date.now,
    provider: new PaymentProvider(stripe, deps.limiter),
  };
}

/**
 * How long all requests of one activity together may wait for the rate limiter.
 * - `interactive`: with the 20 s of a request it stays within the 30 s of one try.
 * - `background`: nobody waits for the result, so the worker's slot is soon freed for other work.
 * - `firstTry`: a local activity blocks a workflow task, and most of its 6 s are for the bank.
 *
 * A request whose turn comes later fails at once with a retry delay.
 */
const MAX_WAIT_MS = { interactive: 8_000, background: 2_000, firstTry: 1_000 } as const;

/** Runs an activity. Its errors become failures that name the operation, the order and what is at risk. */
export async function activity<T>(
  context: PaymentContext,
  call: Omit<StripeCall, 'tryNumber' | 'workId'>,
  body: (session: ProviderSession) => Promise<T>,
): Promise<T> {
  const { tryNumber, workId, isLocal } = currentActivity();
  const full: StripeCall = { ...call, tryNumber, workId };
  const maxWaitMs = isLocal ? MAX_WAIT_MS.firstTry : MAX_WAIT_MS[call.priority];
  try {
    return await body(context.provider.during(full, maxWaitMs));
  } catch (error) {
    throw toFailure(error, full, true);
  }
}

/** The activity's try number and workflow; outside of a worker a first try without a workflow. */
function currentActivity(): { readonly tryNumber: number; readonly workId: string; readonly isLocal: boolean } {
  try {
    const { attempt, workflowExecution, activityId, isLocal } = Context.current().info;
    return { tryNumber: attempt, workId: workflowExecution?.workflowId ?? activityId, isLocal };
  } catch {
    return { tryNumber: 1, workId: '', isLocal: false };
  }
}

/** What an earlier try of this activity recorded: times in milliseconds, by name. Empty outside of a worker. */
export function heartbeatDetails(): Readonly<Record<string, number>> {
  try {
    const details: unknown = Context.current().info.heartbeatDetails;
    return typeof details === 'object' && details !== null ? (details as Record<string, number>) : {};
  } catch {
    return {};
  }
}

/** Records details for the next try: Temporal passes heartbeat details from one try to the next. */
export function recordHeartbeat(next: Readonly<Record<string, number>>): void {
  try {
    Context.current().heartbeat(next);
  } catch {
    // Outside of a worker there is no next try.
  }
}

/** For messages: the amount if it is known. */
export function amountText(amount: number | undefined, currency: string | undefined): string {
  return amount === undefined || currency === undefined ? 'an amount' : formatMoney({ amount, currency });
}
