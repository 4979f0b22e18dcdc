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

/** How a try to collect an invoice ended. */
export type Collected =
  | { kind: 'paid' }
  | { kind: 'action_required' }
  /** `error` is the bank's refusal; without one there was nothing to charge. */
  | { kind: 'failed'; error: StripeApiError | undefined };

export interface Try {
  /** Tries that Stripe makes by itself count; after the first, those that are asked for do not. */
  readonly automatic: boolean;
  readonly offSession: boolean;
  /** In place of the default payment method. */
  readonly methodId?: string | undefined;
}

/** Invoices that are being tried: what happens to their PaymentIntents is told by the try itself. */
const BEING_TRIED = new WeakSet<StoredInvoice>();

/** The subscription that an invoice is of; undefined for none. */
export function subscriptionOf(account: Account, { object }: StoredInvoice): StoredSubscription | undefined {
  const id = object.parent?.subscription_details.subscription;
  return id === undefined ? undefined : account.of(subscriptions).get(id);
}

/** The first of these payment methods that can be charged, and after them the customer's default. */
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

/** What is charged for an invoice by itself: its own method, its subscription's, the customer's. */
function methodFor(account: Account, invoice: StoredInvoice): StoredPaymentMethod | undefined {
  const { customer, default_payment_method: own } = invoice.object;
  return defaultMethod(account, customer, own, subscriptionOf(account, invoice)?.object.default_payment_method);
}

/**
 * One try to collect an open invoice, with everything that follows from how it ends.
 * @throws StripeApiError before anything has changed, where the payment method that was asked for cannot be charged
 */
export function collect(account: Account, invoice: StoredInvoice, how: Try, cause: RequestCause): Collected {
  const { object } = invoice;
  const charge = prepare(account, invoice, how, cause);
  const counts = how.automatic || object.attempt_count === 0;
  account.of(invoices).get(invoice.id);
  object.attempted = true;
  if (counts) object.attempt_count += 1;
  const outcome = charge();
  if (outcome.kind === 'paid') settle(account, invoice, cause);
  else failed(account, invoice, outcome, counts, cause);
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

/** The invoice's payment succeeded, whoever made it. */
export function settle(account: Account, invoice: StoredInvoice, cause: RequestCause): void {
  const methodId = intentOf(account, invoice)?.object.payment_method ?? null;
  markPaid(account, invoice, cause);
  settled(account, invoice, methodId, cause);
}

/** What follows for the subscription from an invoice that was paid. */
export function settled(account: Account, invoice: StoredInvoice, methodId: string | null, cause: RequestCause): void {
  const subscription = subscriptionOf(account, invoice);
  if (subscription === undefined) return;
  recover(account, subscription, invoice, methodId, cause);
  account.rearm(subscriptions, subscription);
}

function failed(
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
 * First invoices are not retried (the subscription expires instead), nor are those on which a pending change waits, nor
 * those whose collection was stopped.
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

/** Milliseconds, on a whole second; undefined where the last retry was made. */
function nextRetryMs(account: Account, invoice: StoredInvoice): number | undefined {
  const spread = spreadOf(`${invoice.id}${invoice.retries}`);
  const offsetMs = retryOffsetMs(account.billing.now, invoice.retries, spread);
  if (offsetMs === undefined) return undefined;
  const soonestMs = account.clock.now() + 1_000;
  return Math.ceil(Math.max((invoice.firstFailureMs ?? 0) + offsetMs, soonestMs) / 1000) * 1000;
}

/** The next try becomes known. */
function plan(account: Account, invoice: StoredInvoice, nextMs: number, cause: RequestCause): void {
  emitChange(account, 'invoice.updated', invoice.object, cause, () => {
    invoice.object.next_payment_attempt = nextMs / 1000;
  });
  due(account, invoice, { what: 'attempt', atMs: nextMs });
}

/** The last retry failed: what the account is set to do is done. */
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

/** Sets the timer for what the invoice waits for. */
export function armCollection(account: Account, invoice: StoredInvoice): void {
  const { due: next, id } = invoice;
  if (next === null || next.what === 'finalize') return;
  invoice.timer = timerAt(account, invoice.object.test_clock, next.atMs, () => {
    const found = account.of(invoices).get(id);
    if (found?.due?.what === 'plan') plan(account, found, found.plannedMs ?? next.atMs, CLOCK_CAUSE);
    else if (found?.due?.what === 'attempt') retry(account, found);
  });
}

/** Has an open invoice that nobody has tried yet tried by itself, after the delay that a draft has. */
export function tryLater(account: Account, invoice: StoredInvoice): void {
  const atMs = Math.ceil((account.clock.now() + account.billing.now.finalizationDelayMs) / 1000) * 1000;
  invoice.object.next_payment_attempt = atMs / 1000;
  due(account, invoice, { what: 'attempt', atMs });
}

/** An automatic try, mostly again. With a method that was refused for good it is only counted. */
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

/** Hears of invoices' payments that somebody else made or failed to make: the customer, or 3-D Secure that ended. */
export function watchPayments(account: Account): void {
  account.log.subscribe(({ type, objectId, cause }) => {
    if (type !== 'payment_intent.succeeded' && type !== 'payment_intent.payment_failed') return;
    const [payment] = account.of(invoicePayments).filed('payment_intent', objectId);
    const invoice = payment === undefined ? undefined : account.of(invoices).get(payment.invoice);
    if (invoice === undefined || BEING_TRIED.has(invoice)) return;
    if (!['open', 'uncollectible'].includes(invoice.object.status)) return;
    inTimeOf(account, invoice.object.test_clock, () => {
      if (type === 'payment_intent.succeeded') settle(account, invoice, cause);
      else customerFailed(account, invoice, cause);
    });
  });
}

function customerFailed(account: Account, invoice: StoredInvoice, cause: RequestCause): void {
  const { object } = invoice;
  object.attempted = true;
  if (object.attempt_count === 0) object.attempt_count = 1;
  account.log.emit('invoice.payment_failed', object, cause);
}
