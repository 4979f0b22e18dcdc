import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import Stripe from 'stripe';
import { failureTypes, type FailureType } from '../../workflows/domain/shared/errors';
import { describe, kindOfError, refusalDetails } from './error-kinds';
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

/** For reads of what may not be there: `request.catch(noneIfMissing)`. */
export function noneIfMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
  return undefined;
}

/** Did the provider fail in a way that leaves open what came of a write? Only a look at the object can tell. */
export function isUnknownOutcome(error: unknown): error is Stripe.errors.StripeAPIError {
  return error instanceof Stripe.errors.StripeError && kindOfError(error, true) === 'unknown';
}

/** Does the provider say no to what was asked for? Cards that the bank declines are told apart by `isCardError`. */
export function isRefusal(error: unknown): error is Stripe.errors.StripeError {
  return error instanceof Stripe.errors.StripeError && kindOfError(error, true) === 'refusal';
}

/**
 * Did the provider answer a write with a no that the same request would get again? Neither a state that was left meanwhile nor a
 * key that is used up: those say nothing of the request.
 */
export function isDefiniteRefusal(error: unknown): error is Stripe.errors.StripeError {
  if (!(error instanceof Stripe.errors.StripeError) || isUnexpectedState(error) || isKeyReused(error)) return false;
  const kind = kindOfError(error, true);
  return kind === 'refusal' || kind === 'defect';
}

/**
 * Turns what the SDK threw into the failure that the activity ends in. ApplicationFailures pass through; an error that is not
 * Stripe's is returned as it is. The SDK's error is never kept as the cause: its message and body may hold an e-mail address or a
 * client secret, and causes are written into histories.
 * @param effect false for a request that only reads: its outcome is never in doubt, so it is simply tried again.
 */
export function toFailure(error: unknown, call: StripeCall, effect: boolean): unknown {
  if (error instanceof LimiterBusy) return inLine(error, call);
  if (error instanceof ApplicationFailure || !(error instanceof Stripe.errors.StripeError)) return error;
  switch (kindOfError(error, effect)) {
    case 'passing':
      return unavailable(error, call);
    case 'unknown': {
      const reason = 'the provider failed and its answer would only be replayed; look the payment up';
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
    ? 'the provider answered with no JSON'
    : `the provider failed (${error.statusCode})`;
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

function unavailable(error: Stripe.errors.StripeError, call: StripeCall): ApplicationFailure {
  const busy = busyReason(error);
  return ApplicationFailure.create({
    type: failureTypes.providerUnavailable,
    message: message(error, call, `${busy ?? downReason(error)}; it is tried again under the same key`),
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

/** A failure that needs no error of the SDK, e.g. an answer that is no payment. */
export function defect(call: StripeCall, reason: string): ApplicationFailure {
  return ApplicationFailure.create({
    type: failureTypes.defect,
    message: message(undefined, call, reason),
    nonRetryable: true,
  });
}

/** What came of a request is not known, and a look cannot tell now: it is looked for again later. */
export function unknownOutcome(call: StripeCall, reason: string): ApplicationFailure {
  return ApplicationFailure.create({
    type: failureTypes.unknownOutcome,
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
