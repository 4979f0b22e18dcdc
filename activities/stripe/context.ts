import { Context } from '@temporalio/activity';
import type Stripe from 'stripe';
import { formatMoney } from '../../workflows/domain/shared/money';
import type { PaymentCache } from '../cache';
import type { PaymentStore } from '../storage/payments/store';
import { toFailure, type StripeCall } from './errors';
import type { RequestLimiter } from './limiter';
import { PaymentProvider, type ProviderSession } from './provider';

/** Where activities tell what they found and decided; ids only. Fits pino and the logger of Temporal turned round. */
export interface PaymentLog {
  warn(details: Readonly<Record<string, unknown>>, message: string): void;
}

/** What the payment activities are made of. */
export interface PaymentDependencies {
  readonly stripe: Stripe;
  readonly store: PaymentStore;
  readonly cache: PaymentCache;
  readonly log?: PaymentLog;
  /** Milliseconds since the epoch; the system's clock where absent. */
  readonly now?: () => number;
  readonly limiter?: RequestLimiter;
}

/** The same, ready for use: one for all activities of a process. */
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
 * How long an activity's requests may wait in line together. A customer's: beside the 20 s that a request may take, in 30 s for the
 * whole try. A local first try keeps a workflow task waiting, and its 6 s are for the bank. What nobody waits for gives its
 * place in the worker to others. Whoever's turn is further away leaves at once and is called back.
 */
const MAX_WAIT_MS = { interactive: 8_000, background: 2_000, firstTry: 1_000 } as const;

/** Runs an activity: what it throws leaves as a failure that says what was done, to which order, and what is at risk. */
export async function activity<T>(
  context: PaymentContext,
  call: Omit<StripeCall, 'tryNumber' | 'workId'>,
  body: (session: ProviderSession) => Promise<T>,
): Promise<T> {
  const { tryNumber, workId, isLocal } = whereabouts();
  const full: StripeCall = { ...call, tryNumber, workId };
  const maxWaitMs = isLocal ? MAX_WAIT_MS.firstTry : MAX_WAIT_MS[call.priority];
  try {
    return await body(context.provider.during(full, maxWaitMs));
  } catch (error) {
    throw toFailure(error, full, true);
  }
}

/** Which try of the activity this is, and whose; outside of a worker the first of nobody's. */
function whereabouts(): { readonly tryNumber: number; readonly workId: string; readonly isLocal: boolean } {
  try {
    const { attempt, workflowExecution, activityId, isLocal } = Context.current().info;
    return { tryNumber: attempt, workId: workflowExecution?.workflowId ?? activityId, isLocal };
  } catch {
    return { tryNumber: 1, workId: '', isLocal: false };
  }
}

/** What earlier tries of this activity noted: times in milliseconds, by name. Nothing outside of a worker. */
export function notes(): Readonly<Record<string, number>> {
  try {
    const details: unknown = Context.current().info.heartbeatDetails;
    return typeof details === 'object' && details !== null ? (details as Record<string, number>) : {};
  } catch {
    return {};
  }
}

/** Keeps notes for the next try: heartbeat details are what Temporal hands on from one try to the next. */
export function keepNotes(next: Readonly<Record<string, number>>): void {
  try {
    Context.current().heartbeat(next);
  } catch {
    // Outside of a worker there is no next try to hand them to.
  }
}

/** For messages: an amount where it is known. */
export function amountText(amount: number | undefined, currency: string | undefined): string {
  return amount === undefined || currency === undefined ? 'an amount' : formatMoney({ amount, currency });
}
