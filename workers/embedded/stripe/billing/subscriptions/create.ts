import type { Account } from '../../state/account';
import { findCustomer, testClockOf } from '../../payments/customers';
import { invalidParameter, refused } from '../../http/errors';
import { mergeMetadata } from '../../state/metadata';
import type { Customer, RequestCause } from '../../state/model';
import { store } from '../../http/resource';
import type { Parsed } from '../../http/schema';
import { nextBoundary } from '../calendar';
import { collect, defaultMethod } from '../invoices/collect';
import { chargeFirst, payWithCharge, type Charged } from '../invoices/charge-first';
import { draftInvoice, finalize } from '../invoices/make';
import { totals } from '../invoices/object';
import { itemRequests, ownedMethod } from './params';
import { periodLines } from '../invoices/line-items';
import type { StoredSubscription, Subscription } from '../model';
import { subscriptions } from '../resources';
import type { subscriptionCreate } from '../shapes';
import { armSubscription } from './cycle';
import {
  newItem,
  newSubscription,
  periodAmount,
  periodOf,
  recurringOf,
  setPeriod,
  trialSettings,
  type ItemRequest,
} from './object';
import { inTimeOf } from '../time';

type Params = Parsed<typeof subscriptionCreate>;

const DAY_SECONDS = 86_400;
/** Stripe: an incomplete subscription expires after 23 hours. */
export const INCOMPLETE_SECONDS = 23 * 3_600;
/** Stripe: a trial ends at most two years from now. */
const MAX_TRIAL_SECONDS = 730 * DAY_SECONDS;

/**
 * Begins a subscription: on a trial with an invoice of 0, or with a first invoice that is collected as
 * `payment_behavior` says.
 */
export function createSubscription(account: Account, params: Params, cause: RequestCause): Subscription {
  const customer = findCustomer(account, params.customer, 'customer', 400);
  return inTimeOf(account, testClockOf(customer), () => create(account, customer, params, cause).object);
}

function create(account: Account, customer: Customer, params: Params, cause: RequestCause): StoredSubscription {
  if (params.payment_behavior === 'pending_if_incomplete') {
    const message = '`pending_if_incomplete` can only be used with updates, not when creating a subscription.';
    throw invalidParameter(message, 'payment_behavior');
  }
  const requests = itemRequests(account, params.items, params.currency);
  const method =
    params.default_payment_method === undefined
      ? undefined
      : ownedMethod(account, params.default_payment_method, customer.id);
  const trialEnd = trialEndOf(account, params, requests);
  const subscription = begin(account, customer, params, requests, trialEnd);
  const { object } = subscription;
  object.default_payment_method = method?.id ?? null;
  const isFree = trialEnd !== undefined || amountDue(subscription, customer) === 0;
  // Every check that can refuse is made before the subscription exists.
  const charged = isFree ? undefined : chargedBefore(account, subscription, customer, params, cause);
  object.status = trialEnd !== undefined ? 'trialing' : isFree ? 'active' : 'incomplete';
  store(account, subscriptions, subscription);
  account.log.emit('customer.subscription.created', object, cause);
  firstInvoice(account, subscription, params, charged, cause);
  if (object.status === 'incomplete') subscription.expiresAt = account.clock.nowSeconds() + INCOMPLETE_SECONDS;
  armSubscription(account, subscription);
  return subscription;
}

function begin(
  account: Account,
  customer: Customer,
  params: Params,
  requests: readonly ItemRequest[],
  trialEnd: number | undefined,
): StoredSubscription {
  const id = account.newId('sub');
  const now = account.clock.nowSeconds();
  const object = newSubscription(account, id, customer.id, requests[0]?.price.currency ?? '');
  object.items.data = requests.map((request) => newItem(account, id, request));
  object.items.total_count = requests.length;
  object.test_clock = testClockOf(customer);
  object.billing_cycle_anchor = trialEnd ?? now;
  if (trialEnd !== undefined) Object.assign(object, { trial_start: now, trial_end: trialEnd });
  setPeriod(object, now, trialEnd ?? nextBoundary(now, recurringOf(object), now));
  object.cancel_at_period_end = params.cancel_at_period_end ?? false;
  object.cancel_at = params.cancel_at ?? (object.cancel_at_period_end ? periodOf(object).end : null);
  if (object.cancel_at_period_end) object.canceled_at = now;
  object.description = params.description ?? null;
  object.metadata = mergeMetadata({}, params.metadata);
  if (params.billing_mode?.type === 'classic') object.billing_mode = { flexible: null, type: 'classic' };
  if (params.trial_settings !== undefined)
    object.trial_settings = trialSettings(params.trial_settings.end_behavior.missing_payment_method);
  const saves = params.payment_settings?.save_default_payment_method;
  if (saves !== undefined && object.payment_settings !== null)
    object.payment_settings.save_default_payment_method = saves;
  return {
    id,
    object,
    toldTrialEnd: null,
    toldPeriodEnd: null,
    expiresAt: null,
    pendingItems: [],
    pendingInvoice: null,
    timer: undefined,
  };
}

function trialEndOf(account: Account, params: Params, requests: readonly ItemRequest[]): number | undefined {
  const now = account.clock.nowSeconds();
  const { trial_end: end, trial_period_days: days } = params;
  if (end !== undefined && days !== undefined) {
    throw invalidParameter('You may only specify one of these parameters: trial_end, trial_period_days.', 'trial_end');
  }
  if (end === 'now') return undefined;
  if (end !== undefined) {
    assertTrialEnd(now, end);
    return end;
  }
  const fromPrice = requests[0]?.price.recurring.trial_period_days ?? undefined;
  const length = days ?? (params.trial_from_plan === true ? fromPrice : undefined);
  return length === undefined ? undefined : now + length * DAY_SECONDS;
}

/** Refuses a trial's end that is in the past or more than two years away. */
export function assertTrialEnd(now: number, end: number): void {
  if (end <= now)
    throw invalidParameter('Invalid timestamp: must be an integer Unix timestamp in the future.', 'trial_end');
  if (end - now <= MAX_TRIAL_SECONDS) return;
  throw invalidParameter('Invalid timestamp: can be no more than two years in the future.', 'trial_end');
}

function amountDue({ object }: StoredSubscription, customer: Customer): number {
  return totals(periodAmount(object.items.data), customer.balance).amountDue;
}

/** With `error_if_incomplete`, charges before anything else; otherwise only checks that there is a payment method. */
function chargedBefore(
  account: Account,
  subscription: StoredSubscription,
  customer: Customer,
  params: Params,
  cause: RequestCause,
): Charged | undefined {
  if (params.payment_behavior === 'default_incomplete') return undefined;
  const method = defaultMethod(account, customer.id, subscription.object.default_payment_method);
  if (method === undefined) throw noMethod();
  if (params.payment_behavior !== 'error_if_incomplete') return undefined;
  const amount = amountDue(subscription, customer);
  return chargeFirst(account, subscription.object, amount, method, params.off_session ?? false, cause);
}

/** Stripe's error for a charge of a customer without a payment method. */
export function noMethod(): Error {
  const message =
    'This customer has no attached payment source or default payment method. Please consider adding a default payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.';
  return refused(message, { code: 'resource_missing' });
}

function firstInvoice(
  account: Account,
  subscription: StoredSubscription,
  params: Params,
  charged: Charged | undefined,
  cause: RequestCause,
): void {
  const { object } = subscription;
  const now = account.clock.nowSeconds();
  const lines = periodLines(account, object.id, object.items.data, object.status === 'trialing');
  const period = { start: now, end: now };
  const request = { reason: 'subscription_create', lines, period, advance: 'now' } as const;
  const invoice = draftInvoice(account, subscription, request, cause);
  finalize(account, invoice, cause, charged);
  if (invoice.object.status !== 'open') return;
  if (charged !== undefined) payWithCharge(account, invoice, cause);
  else if (params.payment_behavior !== 'default_incomplete')
    collect(account, invoice, { automatic: true, offSession: params.off_session ?? false }, cause);
}
