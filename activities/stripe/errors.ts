import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import Stripe from 'stripe';
import { failureTypes } from '../../workflows/domain/errors';
import { LimiterBusy, type RequestPriority } from './limiter';

/** What was being done when an error came, for the message that an operator reads. Ids only: no names, no secrets. */
export interface StripeCall {
  /** Name of the activity. */
  readonly operation: string;
  readonly orderId?: string;
  readonly subscriptionId?: string;
  /** What may be wrong in the world while this is not settled. */
  readonly atRisk: string;
  /** Does somebody wait for it? Each activity says so; under load the others let it go first. */
  readonly priority: RequestPriority;
  /** What tells it from other work where it is of no order: the workflow's id. */
  readonly workId: string;
  /** Number of this try, from 1: later ones wait longer where the provider names no delay. */
  readonly tryNumber: number;
}

/**
 * A longer wait than this is no wait but an outage: an authorization has twenty minutes in all, and a header that names an
 * hour must not use them up unseen.
 */
export const MAX_RETRY_DELAY_MS = 30_000;
/** First delay where the provider names none; doubled with each try. Rate limits count by the second. */
const BASE_RETRY_DELAY_MS = 500;
/** Without a named delay nothing tells that waiting longer helps. */
const MAX_GUESSED_DELAY_MS = 20_000;

/** Codes of a capture that came too late, or of a state that the PaymentIntent has left. Source: the SDK's error codes. */
const LATE_CODES: ReadonlySet<string> = new Set([
  'charge_expired_for_capture',
  'capture_charge_authorization_expired',
  'payment_intent_unexpected_state',
]);

/** Has the PaymentIntent left the state that the request needs? Fetch it fresh and see. */
export function isUnexpectedState(error: unknown): error is Stripe.errors.StripeInvalidRequestError {
  return error instanceof Stripe.errors.StripeInvalidRequestError && LATE_CODES.has(error.code ?? '');
}

/** Did the bank, not the machinery, say no? A business result. */
export function isCardError(error: unknown): error is Stripe.errors.StripeCardError {
  return error instanceof Stripe.errors.StripeCardError;
}

/** Was the idempotency key used before with other parameters? Kept apart from 409 `idempotency_key_in_use`. */
export function isKeyReused(error: unknown): error is Stripe.errors.StripeIdempotencyError {
  return error instanceof Stripe.errors.StripeIdempotencyError;
}

/** Does the provider know no such object? */
export function isMissing(error: unknown): error is Stripe.errors.StripeInvalidRequestError {
  return error instanceof Stripe.errors.StripeInvalidRequestError && error.code === 'resource_missing';
}

/** Is it this parameter that the provider does not accept: unknown, used up, somebody else's? */
export function isRefusedParam(error: unknown, param: string): boolean {
  return error instanceof Stripe.errors.StripeInvalidRequestError && error.param === param;
}

/**
 * Does the provider say that it failed and that the same key only replays this? Then the outcome is not known, and only
 * looking the object up can tell. Source: `Stripe-Should-Retry: false` on a 5xx, as the idempotency layer sends it.
 */
export function isUnknownOutcome(error: unknown): error is Stripe.errors.StripeAPIError {
  return (
    error instanceof Stripe.errors.StripeAPIError &&
    (error.statusCode ?? 0) >= 500 &&
    error.headers?.['stripe-should-retry'] === 'false'
  );
}

/**
 * Turns what the SDK threw into the failure that the activity ends in. ApplicationFailures pass through; an error that is
 * not Stripe's is returned as it is, for the SDK of Temporal to retry it. The SDK's error is never kept as the cause:
 * its message and body may hold an e-mail address or a client secret, and causes are written into histories.
 * @param effect false for a request that only reads: its outcome is never in doubt, so it is simply tried again.
 */
export function toFailure(error: unknown, call: StripeCall, effect: boolean): unknown {
  if (error instanceof LimiterBusy) return inLine(error, call);
  if (error instanceof ApplicationFailure || !(error instanceof Stripe.errors.StripeError)) return error;
  if (effect && isUnknownOutcome(error)) {
    return failure(
      failureTypes.unknownOutcome,
      error,
      call,
      'the provider failed and its answer would only be replayed; look the payment up',
    );
  }
  const busy = busyReason(error);
  if (busy !== undefined) return unavailable(error, call, busy, true);
  const down = downReason(error);
  if (down !== undefined) return unavailable(error, call, down, false);
  return failure(
    failureTypes.defect,
    error,
    call,
    `the provider refused the request (${describe(error)}); it is not retried`,
  );
}

/** Expected under load: the same request goes through a moment later. */
function busyReason(error: Stripe.errors.StripeError): string | undefined {
  if (error instanceof Stripe.errors.StripeRateLimitError)
    return `the provider is too busy (429 ${error.code ?? 'rate_limit'})`;
  if (error instanceof Stripe.errors.StripeAPIError && error.statusCode === 409) {
    return 'the same request is still running at the provider (409)';
  }
  return undefined;
}

function downReason(error: Stripe.errors.StripeError): string | undefined {
  if (error instanceof Stripe.errors.StripeConnectionError) return 'the provider could not be reached';
  if (!(error instanceof Stripe.errors.StripeAPIError)) return undefined;
  // Without a status the body was no JSON: something between us and the provider answered in its place.
  if (error.statusCode === undefined) return 'the provider answered with no JSON';
  // 424: a party behind the provider failed. Source: Stripe API, "HTTP status code summary".
  return error.statusCode >= 500 || error.statusCode === 424 ? `the provider failed (${error.statusCode})` : undefined;
}

/** Its turn comes later than an activity may run: the try ends, its place in line is kept, and it is called back in time. */
function inLine({ endpoint, retryAfterMs }: LimiterBusy, call: StripeCall): ApplicationFailure {
  const seconds = (retryAfterMs / 1000).toFixed(1);
  return ApplicationFailure.create({
    type: failureTypes.providerUnavailable,
    message: message(
      undefined,
      call,
      `in line for ${endpoint}, called again in ${seconds} s; this request was not sent`,
    ),
    nextRetryDelay: retryAfterMs,
    category: ApplicationFailureCategory.BENIGN,
  });
}

function unavailable(
  error: Stripe.errors.StripeError,
  call: StripeCall,
  reason: string,
  benign: boolean,
): ApplicationFailure {
  return ApplicationFailure.create({
    type: failureTypes.providerUnavailable,
    message: message(error, call, `${reason}; it is tried again under the same key`),
    nextRetryDelay: retryAfterMs(error) ?? guessedDelayMs(call.tryNumber),
    ...(benign ? { category: ApplicationFailureCategory.BENIGN } : {}),
  });
}

function failure(type: string, error: Stripe.errors.StripeError, call: StripeCall, reason: string): ApplicationFailure {
  return ApplicationFailure.create({ type, message: message(error, call, reason), nonRetryable: true });
}

/** A failure that needs no error of the SDK, e.g. an answer that is no payment. */
export function defect(call: StripeCall, reason: string): ApplicationFailure {
  return ApplicationFailure.create({
    type: failureTypes.defect,
    message: message(undefined, call, reason),
    nonRetryable: true,
  });
}

/** Nothing is known of this id at the provider. */
export function unknownObject(call: StripeCall, what: string): ApplicationFailure {
  return ApplicationFailure.create({
    type: failureTypes.notFound,
    message: message(undefined, call, `the provider knows no ${what}`),
    nonRetryable: true,
  });
}

/** The undo came first: what this attempt made is let go again, and it must not land any more. */
export function undone(call: StripeCall): ApplicationFailure {
  return ApplicationFailure.create({
    type: failureTypes.undone,
    message: message(
      undefined,
      { ...call, atRisk: 'nothing, no hold of it stands' },
      'the attempt was undone before it ended',
    ),
    nonRetryable: true,
  });
}

/** A retryable failure of our own finding, e.g. a lookup that could not be settled; `delayMs` where waiting is what helps. */
export function unsettled(call: StripeCall, reason: string, delayMs?: number): ApplicationFailure {
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

/** Status, type, code and parameter: the provider's own sentence may quote what the customer typed. */
function describe(error: Stripe.errors.StripeError): string {
  const param = error.param === undefined ? undefined : `at ${error.param}`;
  return [error.statusCode, error.rawType ?? error.type, error.code, param]
    .filter((part) => part !== undefined)
    .join(' ');
}

/** `Retry-After` in milliseconds, capped; undefined where absent or no number of seconds. */
export function retryAfterMs(error: Stripe.errors.StripeError): number | undefined {
  const header = error.headers?.['retry-after'];
  if (header === undefined || !/^\d+$/.test(header)) return undefined;
  return Math.min(Number(header) * 1000, MAX_RETRY_DELAY_MS);
}

/** Exponential with jitter over its upper half, so that workers which failed together do not come back together. */
function guessedDelayMs(tryNumber: number): number {
  const fullMs = Math.min(BASE_RETRY_DELAY_MS * 2 ** Math.max(0, tryNumber - 1), MAX_GUESSED_DELAY_MS);
  return Math.round(fullMs * (0.5 + Math.random() / 2));
}
