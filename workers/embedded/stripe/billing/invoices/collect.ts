import type { Account } from '../../state/account';
import { StripeApiError } from '../../http/errors';
import { confirm, prepareConfirmation } from '../../payments/intent-confirm';
import { CLOCK_CAUSE, type RequestCause, type StoredPaymentMethod } from '../../state/model';
import { emitChange } from '../subscriptions/changes';
import { disarm, intentOf, markPaid, markUncollectible, stopCollecting } from './states';
import type { InvoiceDue, StoredInvoice, StoredSubscription } from '../model';
import { invoicePayments, invoices, subscriptions } from '../resources';
import { isHardDecline, retryOffsetMs, spreadOf } from './retries';
import { endSubscription, moveSubscription, recover, update } from '../subscriptions/states';
import { inTimeOf, timerAt } from '../time';

/** The result of a try to collect an invoice. */
export type Collected =
  | { kind: 'paid' }
  | { kind: 'action_required' }
  /** `error` is the bank's refusal; undefined if there was no payment method to charge. */
  | { kind: 'failed'; error: StripeApiError | undefined };

export interface Try {
  /** Stripe counts its own tries; of those that a request makes, only an invoice's first one. */
  readonly automatic: boolean;
  readonly offSession: boolean;
  /** In place of the default payment method. */
  readonly methodId?: string | undefined;
}

/** Invoices that are being tried: the try itself handles the events of their PaymentIntents. */
const BEING_TRIED = new WeakSet<StoredInvoice>();

/** The subscription of an invoice; undefined if it has none. */
export function subscriptionOf(account: Account, { object }: StoredInvoice): StoredSubscription | undefined {
  const id = object.parent?.subscription_details.subscription;
  return id === undefined ? undefined : account.of(subscriptions).get(id);
}

/** The first of these payment methods that can be charged, else the customer's default. */
export function defaultMethod(
  account: Account,
  customerId: string,
  ...first: readonly (string | null | undefined)[]
): StoredPaymentMethod | undefined {
  const fallback = account.customers.get(customerId)?.invoice_settings.default_payment_method;
  for (const reference of [...first, fallback]) {
    const id = typeof reference === 'string' ? reference : reference?.id;
    const method = id === undefined ? undefined : account.paymentMethods.get(id);
    if (method !== undefined && !method.consumed && method.object.customer === customerId) return method;
  }
  return undefined;
}

/** The payment method for automatic charges of an invoice: its own, else its subscription's, else the customer's. */
function methodFor(account: Account, invoice: StoredInvoice): StoredPaymentMethod | undefined {
  const { customer, default_payment_method: own } = invoice.object;
  return defaultMethod(account, customer, own, subscriptionOf(account, invoice)?.object.default_payment_method);
}

/**
 * One try to collect an open invoice, with all its consequences.
 * @throws StripeApiError before anything has changed, if the requested payment method cannot be charged
 */
export function collect(account: Account, invoice: StoredInvoice, how: Try, cause: RequestCause): Collected {
  const { object } = invoice;
  const charge = prepare(account, invoice, how, cause);
  const counts = how.automatic || object.attempt_count === 0;
  account.of(invoices).get(invoice.id);
  object.attempted = true;
  if (counts) object.attempt_count += 1;
  const outcome = charge();
  if (outcome.kind === 'paid') completePayment(account, invoice, cause);
  else recordFailure(account, invoice, outcome, counts, cause);
  return outcome;
}

function prepare(account: Account, invoice: StoredInvoice, how: Try, cause: RequestCause): () => Collected {
  const methodId = how.methodId ?? methodFor(account, invoice)?.id;
  if (methodId === undefined) return () => ({ kind: 'failed', error: undefined });
  const intent = intentOf(account, invoice);
  if (intent === undefined) throw new Error(`${invoice.id} is open without a payment`);
  const params = { payment_method: methodId, off_session: how.offSession, may_wait: true, use_stripe_sdk: true };
  const method = prepareConfirmation(account, intent, params);
  return () => {
    BEING_TRIED.add(invoice);
    try {
      confirm(account, intent, method, params, cause);
      if (intent.object.status === 'succeeded') return { kind: 'paid' };
      invoice.refusedMethod = method.id;
      return { kind: 'action_required' };
    } catch (error) {
      if (!(error instanceof StripeApiError)) throw error;
      if (isHardDecline(error.fields.decline_code)) invoice.refusedMethod = method.id;
      return { kind: 'failed', error };
    } finally {
      BEING_TRIED.delete(invoice);
    }
  };
}

/** Marks an invoice as paid after its payment succeeded. */
export function completePayment(account: Account, invoice: StoredInvoice, cause: RequestCause): void {
  const methodId = intentOf(account, invoice)?.object.payment_method ?? null;
  markPaid(account, invoice, cause);
  continueSubscription(account, invoice, methodId, cause);
}

/** Updates the subscription of an invoice that was paid. */
export function continueSubscription(
  account: Account,
  invoice: StoredInvoice,
  methodId: string | null,
  cause: RequestCause,
): void {
  const subscription = subscriptionOf(account, invoice);
  if (subscription === undefined) return;
  recover(account, subscription, invoice, methodId, cause);
  account.rearm(subscriptions, subscription);
}

function recordFailure(
  account: Account,
  invoice: StoredInvoice,
  outcome: Collected,
  counts: boolean,
  cause: RequestCause,
): void {
  const { object } = invoice;
  const subscription = subscriptionOf(account, invoice);
  const asks = outcome.kind === 'action_required';
  if (subscription === undefined || !isRetried(invoice, subscription)) {
    object.next_payment_attempt = null;
    account.log.emit('invoice.payment_failed', object, cause);
    if (asks) account.log.emit('invoice.payment_action_required', object, cause);
    return;
  }
  invoice.firstFailureMs ??= account.clock.now();
  const nextMs = counts ? nextRetryMs(account, invoice) : undefined;
  const { nullNextAttemptFirst, planningDelayMs } = account.billing.now;
  if (counts) object.next_payment_attempt = nullNextAttemptFirst || nextMs === undefined ? null : nextMs / 1000;
  account.log.emit('invoice.payment_failed', object, cause);
  if (asks) account.log.emit('invoice.payment_action_required', object, cause);
  if (['trialing', 'active'].includes(subscription.object.status))
    update(account, subscription, cause, () => moveSubscription(subscription, 'past_due'));
  if (!counts) return;
  if (nextMs === undefined) exhaust(account, invoice, subscription, cause);
  else if (!nullNextAttemptFirst) due(account, invoice, { what: 'attempt', atMs: nextMs });
  else if (planningDelayMs === 0) plan(account, invoice, nextMs, cause);
  else {
    due(account, invoice, { what: 'plan', atMs: account.clock.now() + planningDelayMs });
    invoice.plannedMs = nextMs;
  }
}

/**
 * Not retried: first invoices (the subscription expires instead), invoices of a pending change, and invoices whose collection was
 * stopped.
 */
function isRetried({ id, object }: StoredInvoice, subscription: StoredSubscription): boolean {
  const {
    pendingInvoice,
    object: { status },
  } = subscription;
  return (
    object.auto_advance === true && pendingInvoice !== id && !['incomplete', 'paused', 'canceled'].includes(status)
  );
}

/** The time of the next retry in milliseconds, on a whole second; undefined after the last retry. */
function nextRetryMs(account: Account, invoice: StoredInvoice): number | undefined {
  const spread = spreadOf(`${invoice.id}${invoice.retries}`);
  const offsetMs = retryOffsetMs(account.billing.now, invoice.retries, spread);
  if (offsetMs === undefined) return undefined;
  const soonestMs = account.clock.now() + 1_000;
  return Math.ceil(Math.max((invoice.firstFailureMs ?? 0) + offsetMs, soonestMs) / 1000) * 1000;
}

/** Publishes the time of the next try. */
function plan(account: Account, invoice: StoredInvoice, nextMs: number, cause: RequestCause): void {
  emitChange(account, 'invoice.updated', invoice.object, cause, () => {
    invoice.object.next_payment_attempt = nextMs / 1000;
  });
  due(account, invoice, { what: 'attempt', atMs: nextMs });
}

/** After the last retry failed: does what the account's settings say. */
function exhaust(
  account: Account,
  invoice: StoredInvoice,
  subscription: StoredSubscription,
  cause: RequestCause,
): void {
  const { onExhausted, invoiceOnExhausted } = account.billing.now;
  stopCollecting(account, invoice, cause);
  if (invoiceOnExhausted === 'uncollectible') markUncollectible(account, invoice, cause);
  if (onExhausted === 'cancel') endSubscription(account, subscription, 'payment_failed', cause);
  if (onExhausted === 'unpaid' && subscription.object.status === 'past_due')
    update(account, subscription, cause, () => moveSubscription(subscription, 'unpaid'));
}

function due(account: Account, invoice: StoredInvoice, next: InvoiceDue): void {
  disarm(account, invoice);
  invoice.due = next;
  armCollection(account, invoice);
}

/** Sets the timer for the invoice's next try. */
export function armCollection(account: Account, invoice: StoredInvoice): void {
  const { due: next, id } = invoice;
  if (next === null || next.what === 'finalize') return;
  invoice.timer = timerAt(account, invoice.object.test_clock, next.atMs, () => {
    const found = account.of(invoices).get(id);
    if (found?.due?.what === 'plan') plan(account, found, found.plannedMs ?? next.atMs, CLOCK_CAUSE);
    else if (found?.due?.what === 'attempt') retry(account, found);
  });
}

/** Schedules the first automatic try of an open invoice, after the delay of a draft. */
export function tryLater(account: Account, invoice: StoredInvoice): void {
  const atMs = Math.ceil((account.clock.now() + account.billing.now.finalizationDelayMs) / 1000) * 1000;
  invoice.object.next_payment_attempt = atMs / 1000;
  due(account, invoice, { what: 'attempt', atMs });
}

/** An automatic try, usually a retry. If the payment method was refused permanently, the try is only counted. */
function retry(account: Account, invoice: StoredInvoice): void {
  const { object } = invoice;
  const subscription = subscriptionOf(account, invoice);
  disarm(account, invoice);
  if (object.status !== 'open' || subscription === undefined) return;
  if (object.attempt_count > 0) invoice.retries += 1;
  if (invoice.refusedMethod === null || methodFor(account, invoice)?.id !== invoice.refusedMethod) {
    object.next_payment_attempt = null;
    collect(account, invoice, { automatic: true, offSession: true }, CLOCK_CAUSE);
    return;
  }
  const nextMs = nextRetryMs(account, invoice);
  emitChange(account, 'invoice.updated', object, CLOCK_CAUSE, () => {
    object.attempt_count += 1;
    object.next_payment_attempt = nextMs === undefined ? null : nextMs / 1000;
  });
  if (nextMs === undefined) exhaust(account, invoice, subscription, CLOCK_CAUSE);
  else due(account, invoice, { what: 'attempt', atMs: nextMs });
}

/** Handles payments of invoices that no try of ours made: by the customer, or at the end of 3-D Secure. */
export function watchPayments(account: Account): void {
  account.log.subscribe(({ type, objectId, cause }) => {
    if (type !== 'payment_intent.succeeded' && type !== 'payment_intent.payment_failed') return;
    const [payment] = account.of(invoicePayments).filed('payment_intent', objectId);
    const invoice = payment === undefined ? undefined : account.of(invoices).get(payment.invoice);
    if (invoice === undefined || BEING_TRIED.has(invoice)) return;
    if (!['open', 'uncollectible'].includes(invoice.object.status)) return;
    inTimeOf(account, invoice.object.test_clock, () => {
      if (type === 'payment_intent.succeeded') completePayment(account, invoice, cause);
      else recordCustomerFailure(account, invoice, cause);
    });
  });
}

function recordCustomerFailure(account: Account, invoice: StoredInvoice, cause: RequestCause): void {
  const { object } = invoice;
  object.attempted = true;
  if (object.attempt_count === 0) object.attempt_count = 1;
  account.log.emit('invoice.payment_failed', object, cause);
}
