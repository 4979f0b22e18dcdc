import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import Stripe from 'stripe';
import { failureTypes, type FailureType } from '../../workflows/domain/shared/errors';
import { describe, kindOfError, refusalDetails } from './error-kinds';
import { LimiterBusy, type RequestPriority } from './limiter';

/** What was being done when an error came, for the message to the operator. Ids only: no names, no secrets. */
export interface StripeCall {
  /** Name of the activity. */
  readonly operation: string;
  readonly orderId?: string;
  readonly subscriptionId?: string;
  /** What may be wrong until this call succeeds. */
  readonly atRisk: string;
  /** Under load, calls that a customer or an operator waits for go first. */
  readonly priority: RequestPriority;
  /** The workflow's id, which identifies calls that belong to no order. */
  readonly workId: string;
  /** Counts tries from 1: later ones wait longer if the provider names no delay. */
  readonly tryNumber: number;
}

/**
 * The longest delay that a provider's header can cause. An authorization has twenty minutes in all, and a header that names an
 * hour must not use them up in one pause.
 */
export const MAX_RETRY_DELAY_MS = 30_000;
/** First delay if the provider names none; doubled with each try. Rate limits count by the second. */
const BASE_RETRY_DELAY_MS = 500;
/** Longest delay if the provider names none: nothing suggests that a longer one helps. */
const MAX_GUESSED_DELAY_MS = 20_000;

/** The capture came too late, or the PaymentIntent is in another state. Source: the SDK's error codes. */
const LATE_CODES: ReadonlySet<string> = new Set([
  'charge_expired_for_capture',
  'capture_charge_authorization_expired',
  'payment_intent_unexpected_state',
]);

/** Has the PaymentIntent left the state that the request needs? Fetch it fresh to find out. */
export function isUnexpectedState(error: unknown): error is Stripe.errors.StripeInvalidRequestError {
  return error instanceof Stripe.errors.StripeInvalidRequestError && LATE_CODES.has(error.code ?? '');
}

/** Did the bank decline? A business answer. */
export function isCardError(error: unknown): error is Stripe.errors.StripeCardError {
  return error instanceof Stripe.errors.StripeCardError;
}

/** Was the idempotency key used before with other parameters? Not to be confused with 409 `idempotency_key_in_use`. */
export function isKeyReused(error: unknown): error is Stripe.errors.StripeIdempotencyError {
  return error instanceof Stripe.errors.StripeIdempotencyError;
}

/** Does the provider not know the object? */
export function isMissing(error: unknown): error is Stripe.errors.StripeInvalidRequestError {
  return error instanceof Stripe.errors.StripeInvalidRequestError && error.code === 'resource_missing';
}

/** For reads of an object that may not exist: `request.catch(noneIfMissing)`. */
export function noneIfMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
  return undefined;
}

/** Did the provider fail so that the outcome of a write is unknown? Only fetching the object shows it. */
export function isUnknownOutcome(error: unknown): error is Stripe.errors.StripeAPIError {
  return error instanceof Stripe.errors.StripeError && kindOfError(error, true) === 'unknown';
}

/** Does the provider refuse the request? Includes declined cards: see `isCardError`. */
export function isRefusal(error: unknown): error is Stripe.errors.StripeError {
  return error instanceof Stripe.errors.StripeError && kindOfError(error, true) === 'refusal';
}

/**
 * Would the provider refuse the same write again? A changed state of the object or a used-up key is not such a refusal: it says
 * nothing about the request.
 */
export function isDefiniteRefusal(error: unknown): error is Stripe.errors.StripeError {
  if (!(error instanceof Stripe.errors.StripeError) || isUnexpectedState(error) || isKeyReused(error)) return false;
  const kind = kindOfError(error, true);
  return kind === 'refusal' || kind === 'defect';
}

/**
 * Turns an error of the SDK into the failure that the activity ends with. Other errors are returned unchanged. The SDK's error
 * is never kept as the cause: its message and body may contain an e-mail address or a client secret, and histories store causes.
 * @param effect false for a request that only reads: its outcome is never unknown, so it is simply retried
 */
export function toFailure(error: unknown, call: StripeCall, effect: boolean): unknown {
  if (error instanceof LimiterBusy) return waitingInLine(error, call);
  if (error instanceof ApplicationFailure || !(error instanceof Stripe.errors.StripeError)) return error;
  switch (kindOfError(error, effect)) {
    case 'passing':
      return unavailable(error, call);
    case 'unknown': {
      const reason = 'the provider failed and would only replay its answer; look the payment up at the provider';
      return failure(failureTypes.unknownOutcome, error, call, reason);
    }
    case 'refusal': {
      const details = refusalDetails(error);
      return failure(failureTypes.refused, error, call, `${details.message}; it is not retried`, [details]);
    }
    case 'defect':
      return failure(
        failureTypes.defect,
        error,
        call,
        `the provider refused the request (${describe(error)}); it is not retried`,
      );
  }
}

/** Expected under load: the same request goes through a moment later. */
function busyReason(error: Stripe.errors.StripeError): string | undefined {
  const { statusCode, code } = error;
  if (error instanceof Stripe.errors.StripeRateLimitError)
    return `the provider is too busy (429 ${code ?? 'rate_limit'})`;
  if (statusCode === 409) return 'the same request is still running at the provider (409)';
  return statusCode !== undefined && statusCode < 424 ? `the provider is too busy (${statusCode} ${code})` : undefined;
}

function downReason(error: Stripe.errors.StripeError): string {
  if (error instanceof Stripe.errors.StripeConnectionError) return 'the provider could not be reached';
  return error.statusCode === undefined
    ? 'the provider’s answer is not JSON'
    : `the provider failed (${error.statusCode})`;
}

/** The request's turn comes later than the activity may run. The try ends, its place in line is kept, and Temporal retries in time. */
function waitingInLine({ endpoint, retryAfterMs }: LimiterBusy, call: StripeCall): ApplicationFailure {
  const seconds = (retryAfterMs / 1000).toFixed(1);
  return ApplicationFailure.create({
    type: failureTypes.providerUnavailable,
    message: message(
      undefined,
      call,
      `waits in line for ${endpoint} and is tried again in ${seconds} s; the request was not sent`,
    ),
    nextRetryDelay: retryAfterMs,
    category: ApplicationFailureCategory.BENIGN,
  });
}

function unavailable(error: Stripe.errors.StripeError, call: StripeCall): ApplicationFailure {
  const busy = busyReason(error);
  return ApplicationFailure.create({
    type: failureTypes.providerUnavailable,
    message: message(error, call, `${busy ?? downReason(error)}; it is retried under the same key`),
    nextRetryDelay: retryAfterMs(error) ?? guessedDelayMs(call.tryNumber),
    ...(busy === undefined ? {} : { category: ApplicationFailureCategory.BENIGN }),
  });
}

function failure(
  type: FailureType,
  error: Stripe.errors.StripeError,
  call: StripeCall,
  reason: string,
  details: unknown[] = [],
): ApplicationFailure {
  return ApplicationFailure.create({ type, message: message(error, call, reason), nonRetryable: true, details });
}

/** A defect without an error of the SDK, e.g. an answer that is not a payment. */
export function defect(call: StripeCall, reason: string): ApplicationFailure {
  return ApplicationFailure.create({
    type: failureTypes.defect,
    message: message(undefined, call, reason),
    nonRetryable: true,
  });
}

/** The outcome of a request is unknown, and the provider cannot show it now; the caller looks it up again later. */
export function unknownOutcome(call: StripeCall, reason: string): ApplicationFailure {
  return ApplicationFailure.create({
    type: failureTypes.unknownOutcome,
    message: message(undefined, call, reason),
    nonRetryable: true,
  });
}

/** The provider does not know the object. */
export function unknownObject(call: StripeCall, what: string): ApplicationFailure {
  return ApplicationFailure.create({
    type: failureTypes.notFound,
    message: message(undefined, call, `the provider does not know ${what}`),
    nonRetryable: true,
  });
}

/** The undo came first: what this attempt made has been voided, and nothing of it may be recorded. */
export function undone(call: StripeCall): ApplicationFailure {
  return ApplicationFailure.create({
    type: failureTypes.undone,
    message: message(
      undefined,
      { ...call, atRisk: 'nothing, because no hold of this attempt is left' },
      'the attempt was undone before it ended',
    ),
    nonRetryable: true,
  });
}

/** A retryable failure without an error of the SDK, e.g. a lookup without a clear result. `delayMs`: the pause before the next try. */
export function retryLater(call: StripeCall, reason: string, delayMs?: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: failureTypes.providerUnavailable,
    message: message(undefined, call, reason),
    nextRetryDelay: delayMs ?? guessedDelayMs(call.tryNumber),
  });
}

function message(error: Stripe.errors.StripeError | undefined, call: StripeCall, reason: string): string {
  const { orderId, subscriptionId } = call;
  const order = orderId === undefined ? '' : ` of order ${orderId}`;
  const subject = subscriptionId === undefined ? order : ` of subscription ${subscriptionId}`;
  const request = error?.requestId === undefined ? '' : ` [${error.requestId}]`;
  return `${call.operation}${subject}: ${reason}${request}. At risk: ${call.atRisk}.`;
}

/** `Retry-After` in milliseconds, capped; undefined if it is absent or not a number of seconds. */
export function retryAfterMs(error: Stripe.errors.StripeError): number | undefined {
  const header = error.headers?.['retry-after'];
  if (header === undefined || !/^\d+$/.test(header)) return undefined;
  return Math.min(Number(header) * 1000, MAX_RETRY_DELAY_MS);
}

/** Exponential with jitter over its upper half, so that workers which failed together do not retry together. */
function guessedDelayMs(tryNumber: number): number {
  const fullMs = Math.min(BASE_RETRY_DELAY_MS * 2 ** Math.max(0, tryNumber - 1), MAX_GUESSED_DELAY_MS);
  return Math.round(fullMs * (0.5 + Math.random() / 2));
}
