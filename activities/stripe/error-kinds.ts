import Stripe from 'stripe';
import type { FailureKind, RefusalDetails } from '../../workflows/domain/shared/errors';

/*
 * The kind of each Stripe error, by its status and code, never by its text. Source: the SDK's error classes and codes, and
 * Stripe's "Error codes".
 */

/** The request is valid and will succeed later: another request holds the object, or there are too many at once. */
const PASSING_CODES: ReadonlySet<string> = new Set([
  'lock_timeout',
  'rate_limit',
  'payment_intent_rate_limit_exceeded',
  'idempotency_key_in_use',
]);

/** The API does not accept the request's form, or the account or its key is set up wrongly. A person must correct it. */
const DEFECT_CODES: ReadonlySet<string> = new Set([
  'account_invalid',
  'api_key_expired',
  'livemode_mismatch',
  'no_account',
  'parameter_missing',
  'parameter_unknown',
  'parameters_exclusive',
  'platform_account_required',
  'platform_api_key_expired',
  'secret_key_required',
  'testmode_charges_only',
  'tls_version_unsupported',
  'url_invalid',
]);

/** The kind of a 4xx by its code: a refusal, unless the code is listed as passing or as a defect. */
export function kindOfCode(code: string): FailureKind {
  if (PASSING_CODES.has(code)) return 'passing';
  return DEFECT_CODES.has(code) ? 'defect' : 'refusal';
}

/** @param effect false for a request that only reads: its outcome is never unknown */
export function kindOfError(error: Stripe.errors.StripeError, effect: boolean): FailureKind {
  const { errors } = Stripe;
  if (error instanceof errors.StripeConnectionError || error instanceof errors.StripeRateLimitError) return 'passing';
  if (error instanceof errors.StripeCardError) return 'refusal';
  if (error instanceof errors.StripeInvalidRequestError) return kindOfInvalid(error);
  if (error instanceof errors.StripeAPIError) return kindOfApiError(error, effect);
  // A wrong API key, a missing permission, an idempotency key used for another request, a wrong signature.
  return 'defect';
}

/** A 400 that names a parameter refuses its value. One that names neither code nor parameter says only that the request is wrong. */
function kindOfInvalid({ code, param }: Stripe.errors.StripeInvalidRequestError): FailureKind {
  if (code !== undefined) return kindOfCode(code);
  return param === undefined || param === '' ? 'defect' : 'refusal';
}

function kindOfApiError(error: Stripe.errors.StripeAPIError, effect: boolean): FailureKind {
  const { statusCode, code } = error;
  // Without a status the body was not JSON: something between us and the provider, e.g. a proxy, has answered.
  if (statusCode === undefined) return 'passing';
  if (statusCode >= 500) return effect && isInDoubt(error) ? 'unknown' : 'passing';
  // 409: the same request is still running. 424: a party behind the provider failed. Source: "HTTP status code summary".
  if (statusCode === 409 || statusCode === 424) return 'passing';
  return code === undefined ? 'defect' : kindOfCode(code);
}

/**
 * The provider stores a 500 under its idempotency key from the first answer on, unless it asks for a retry. 502 to 504 usually
 * come before the execution, so they are retried under the same key; if they were stored, they are replayed. Source: Stripe,
 * "Idempotent requests".
 */
function isInDoubt(error: Stripe.errors.StripeAPIError): boolean {
  return isKept(error) || (error.statusCode === 500 && error.headers?.['stripe-should-retry'] !== 'true');
}

/** Does the provider say that it stores this failure under the idempotency key? Then the key is used up. */
export function isKept({ headers }: Stripe.errors.StripeError): boolean {
  return headers?.['idempotent-replayed'] === 'true' || headers?.['stripe-should-retry'] === 'false';
}

/** Our own sentences, because the provider's may quote what the customer typed. */
const SENTENCES: Readonly<Record<string, string>> = {
  amount_too_small: 'the amount is below the smallest that the payment provider accepts in this currency',
  amount_too_large: 'the amount is above the largest that the payment provider accepts in this currency',
  charge_disputed: "the customer's bank has disputed this payment",
  email_invalid: 'the payment provider does not accept this e-mail address',
  payment_intent_unexpected_state: 'the payment provider says that this payment is in another state',
  payment_method_currency_mismatch: 'the payment method cannot pay in this currency',
  resource_missing: 'the payment provider does not know what the request refers to',
};
const SENTENCES_BY_PARAM: Readonly<Record<string, string>> = {
  amount: 'the payment provider does not accept this amount',
  amount_to_capture: 'the payment provider does not accept this amount',
  currency: 'the payment provider does not accept this currency',
  email: 'the payment provider does not accept this e-mail address',
};

/** The refusal for the caller. */
export function refusalDetails(error: Stripe.errors.StripeError): RefusalDetails {
  const { code, param } = error;
  const sentence =
    SENTENCES[code ?? ''] ?? SENTENCES_BY_PARAM[param ?? ''] ?? 'the payment provider refused the request';
  return {
    code: code ?? 'invalid_request',
    message: `${sentence} (${describe(error)})`,
    ...(param !== undefined && param !== '' && { param }),
  };
}

/** Status, type, code and parameter, never the provider's text. */
export function describe(error: Stripe.errors.StripeError): string {
  const param = error.param === undefined || error.param === '' ? undefined : `at ${error.param}`;
  return [error.statusCode, error.rawType ?? error.type, error.code, param]
    .filter((part) => part !== undefined)
    .join(' ');
}
