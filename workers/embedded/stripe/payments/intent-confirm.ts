import type { Account } from '../state/account';
import { bookAndFollow } from '../bank/consequences';
import { approveCharge, declineCharge } from '../bank/card-network';
import { refused, StripeApiError } from '../http/errors';
import { scheduleExpiry } from './intent-expiry';
import { cancel } from './intent-capture-cancel';
import { assertConfirmable, missingPaymentMethod, moveTo } from './intent-states';
import type { RequestCause, StoredPaymentIntent, StoredPaymentMethod } from '../state/model';
import { attach, usableMethod } from './payment-methods';
import type { Parsed } from '../http/schema';
import type { intentConfirm } from '../state/shapes';

export type ConfirmParams = Pick<
  Parsed<typeof intentConfirm>,
  'error_on_requires_action' | 'off_session' | 'payment_method' | 'return_url' | 'use_stripe_sdk'
> & {
  /** The account itself collects an invoice: a request for 3-D Secure waits for the customer, even off-session. */
  may_wait?: boolean;
};

const NEEDS_RETURN_URL =
  "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.";

/** Checks everything that can refuse a confirmation before the intent changes; returns the method to charge. */
export function prepareConfirmation(
  account: Account,
  intent: StoredPaymentIntent,
  params: ConfirmParams,
): StoredPaymentMethod {
  const pi = intent.object;
  assertConfirmable(pi);
  const methodId = params.payment_method ?? pi.payment_method;
  if (methodId === null) throw missingPaymentMethod(account.paymentIntents.get(pi.id)?.object);
  const method = usableMethod(account, methodId);
  const owner = method.object.customer;
  if (owner !== null && owner !== pi.customer) {
    const hint =
      pi.customer === null
        ? `Please include the customer in the \`customer\` parameter on the PaymentIntent.`
        : 'It belongs to another customer.';
    throw refused(`The payment method you provided (${method.id}) is attached to a customer. ${hint}`);
  }
  const redirects =
    pi.automatic_payment_methods?.enabled === true && pi.automatic_payment_methods.allow_redirects !== 'never';
  const present = !isOffSession(params) && params.use_stripe_sdk !== true;
  if (redirects && present && params.return_url === undefined) throw refused(NEEDS_RETURN_URL, { param: 'return_url' });
  return method;
}

/**
 * One attempt to charge: it ends in a hold, a payment, a request for 3-D Secure, or Stripe's 402 with the intent
 * back in `requires_payment_method`.
 */
export function confirm(
  account: Account,
  intent: StoredPaymentIntent,
  method: StoredPaymentMethod,
  params: ConfirmParams,
  cause: RequestCause,
): void {
  const pi = intent.object;
  countConfirmation(account, intent, cause);
  pi.payment_method = method.id;
  pi.next_action = null;
  intent.offSession = isOffSession(params);
  const outcome = account.issuer.decide(intent, method, () =>
    account.paymentIntents
      .values()
      .some(({ object }) => object.payment_method === method.id && object.status === 'requires_capture'),
  );
  if (outcome === 'approve') {
    authorize(account, intent, method, cause);
    return;
  }
  const mayWait = params.may_wait ?? !intent.offSession;
  const mayAuthenticate = outcome === 'authentication_required' && mayWait && params.error_on_requires_action !== true;
  if (mayAuthenticate) {
    requireAction(account, intent, params.return_url, cause);
    return;
  }
  throw decline(account, intent, method, outcome, cause);
}

/** Past its limit of confirmations a PaymentIntent is canceled. Source: Stripe, "Confirm a PaymentIntent". */
function countConfirmation(account: Account, intent: StoredPaymentIntent, cause: RequestCause): void {
  intent.confirmations = (intent.confirmations ?? 0) + 1;
  if (intent.confirmations <= account.settings.maxConfirmations) return;
  cancel(account, intent, { cancellation_reason: 'automatic' }, cause);
  assertConfirmable(intent.object);
}

/** The customer passed or failed 3-D Secure: the attempt continues, or the intent needs another payment method. */
export function completeAuthentication(
  account: Account,
  intent: StoredPaymentIntent,
  result: 'succeed' | 'fail',
): void {
  const pi = intent.object;
  if (pi.status !== 'requires_action') throw refused(`${pi.id} does not wait for authentication: it is ${pi.status}.`);
  const cause: RequestCause = { id: null, idempotencyKey: null };
  const method = pi.payment_method === null ? undefined : account.paymentMethods.get(pi.payment_method);
  if (method === undefined) throw new Error(`${pi.id} waits for authentication without a payment method`);
  pi.next_action = null;
  if (result === 'fail') {
    failAuthentication(account, intent, method, cause);
    return;
  }
  intent.authenticated = true;
  if (pi.confirmation_method === 'manual') {
    moveTo(pi, 'requires_confirmation');
    return;
  }
  try {
    confirm(account, intent, method, {}, cause);
  } catch (error) {
    // Declined after authentication: no request waits for a 402, so only the intent shows the decline.
    if (!(error instanceof StripeApiError)) throw error;
  }
}

function isOffSession(params: ConfirmParams): boolean {
  return params.off_session !== undefined && params.off_session !== false;
}

function authorize(
  account: Account,
  intent: StoredPaymentIntent,
  method: StoredPaymentMethod,
  cause: RequestCause,
): void {
  const pi = intent.object;
  const charge = approveCharge(account, intent, method);
  const authenticated = intent.authenticated;
  intent.authenticated = false;
  pi.latest_charge = charge.id;
  pi.last_payment_error = null;
  keepMethod(account, intent, method, authenticated, cause);
  if (pi.capture_method === 'manual') {
    moveTo(pi, 'requires_capture');
    pi.amount_capturable = pi.amount;
    account.log.emit('charge.succeeded', charge, cause);
    account.log.emit('payment_intent.amount_capturable_updated', pi, cause);
    scheduleExpiry(account, intent, charge);
    return;
  }
  moveTo(pi, 'succeeded');
  pi.amount_received = pi.amount;
  bookAndFollow(account, charge, charge.amount);
  account.log.emit('charge.succeeded', charge, cause);
  account.log.emit('payment_intent.succeeded', pi, cause);
}

/** A method charged with `setup_future_usage` is saved on the customer; one that is not attached cannot be used again. */
function keepMethod(
  account: Account,
  intent: StoredPaymentIntent,
  method: StoredPaymentMethod,
  authenticated: boolean,
  cause: RequestCause,
): void {
  const { customer, setup_future_usage: usage } = intent.object;
  if (method.object.customer !== null) {
    if (usage === 'off_session' && authenticated) method.setUp = true;
    return;
  }
  if (customer === null || usage === null) {
    method.consumed = true;
    return;
  }
  if (usage === 'off_session') method.setUp = true;
  attach(account, method, customer, cause);
}

function requireAction(
  account: Account,
  intent: StoredPaymentIntent,
  returnUrl: string | undefined,
  cause: RequestCause,
): void {
  const pi = intent.object;
  moveTo(pi, 'requires_action');
  const url = `${account.baseUrl()}/_simulator/authenticate/${pi.id}?client_secret=${pi.client_secret}`;
  pi.next_action =
    returnUrl === undefined
      ? { type: 'use_stripe_sdk', use_stripe_sdk: { type: 'three_d_secure_redirect', stripe_js: url } }
      : { type: 'redirect_to_url', redirect_to_url: { return_url: returnUrl, url } };
  account.log.emit('payment_intent.requires_action', pi, cause);
}

function decline(
  account: Account,
  intent: StoredPaymentIntent,
  method: StoredPaymentMethod,
  declineCode: string,
  cause: RequestCause,
): StripeApiError {
  const pi = intent.object;
  const { charge, decline: details } = declineCharge(account, intent, method, declineCode);
  const fields = {
    type: 'card_error' as const,
    code: details.code,
    decline_code: details.declineCode,
    advice_code: details.adviceCode,
    network_decline_code: details.networkDeclineCode,
    message: details.message,
    charge: charge.id,
  };
  intent.authenticated = false;
  pi.latest_charge = charge.id;
  pi.payment_method = null;
  pi.last_payment_error = {
    ...fields,
    doc_url: `https://stripe.com/docs/error-codes/${details.code.replaceAll('_', '-')}`,
    payment_method: { ...method.object },
  };
  moveTo(pi, 'requires_payment_method');
  account.log.emit('charge.failed', charge, cause);
  account.log.emit('payment_intent.payment_failed', pi, cause);
  return new StripeApiError(402, { ...fields, payment_intent: pi, payment_method: { ...method.object } });
}

function failAuthentication(
  account: Account,
  intent: StoredPaymentIntent,
  method: StoredPaymentMethod,
  cause: RequestCause,
): void {
  const pi = intent.object;
  pi.payment_method = null;
  pi.last_payment_error = {
    type: 'invalid_request_error',
    code: 'payment_intent_authentication_failure',
    doc_url: 'https://stripe.com/docs/error-codes/payment-intent-authentication-failure',
    message:
      'The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent again.',
    payment_method: { ...method.object },
  };
  moveTo(pi, 'requires_payment_method');
  account.log.emit('payment_intent.payment_failed', pi, cause);
}
