import type { Account } from '../../state/account';
import { invalidParameter, refused } from '../../http/errors';
import { mergeMetadata } from '../../state/metadata';
import type { RequestCause } from '../../state/model';
import type { Parsed } from '../../http/schema';
import { chargeFirst, payWithCharge, type Charged } from '../invoices/charge-first';
import { collect, defaultMethod } from '../invoices/collect';
import { draftInvoice, finalize } from '../invoices/make';
import { totals } from '../invoices/object';
import { pendingLines, periodLines } from '../invoices/line-items';
import { listOf, type InvoiceLine, type StoredInvoice, type StoredSubscription, type Subscription } from '../model';
import type { subscriptionUpdate } from '../shapes';
import { armSubscription, takePending } from './cycle';
import { changeOf, type Change } from './change';
import { INCOMPLETE_SECONDS, noMethod } from './create';
import { periodAmount, periodOf, trialSettings } from './object';
import { ownedMethod } from './params';
import { isEnded, moveSubscription, update } from './states';

type Params = Parsed<typeof subscriptionUpdate>;

/** Changes a subscription. What the change costs is invoiced now or with the next period, as `proration_behavior` says. */
export function updateSubscription(
  account: Account,
  subscription: StoredSubscription,
  params: Params,
  cause: RequestCause,
): void {
  assertUpdatable(subscription, params);
  const { object } = subscription;
  const method =
    params.default_payment_method === undefined
      ? undefined
      : ownedMethod(account, params.default_payment_method, object.customer);
  const change = changeOf(account, subscription, params);
  const bills = change !== undefined && change.invoice !== 'none';
  if (bills && params.payment_behavior === 'pending_if_incomplete') {
    proposeChange(account, subscription, change, params, cause);
    return;
  }
  const charged = bills ? chargedBefore(account, subscription, change, params, method?.id, cause) : undefined;
  const wait = change === undefined || bills ? [] : change.prorations;
  update(account, subscription, cause, () => {
    applyPlain(account, object, params);
    if (method !== undefined) object.default_payment_method = method.id;
    if (change !== undefined) applyChange(account, subscription, change);
    applyCancelAt(account, object, params);
    subscription.pendingItems.push(...wait);
  });
  if (bills) {
    const invoice = invoiceChange(account, subscription, change, cause, charged);
    if (invoice.object.status === 'open') collectChange(account, subscription, invoice, params, charged, cause);
  }
  armSubscription(account, subscription);
}

function assertUpdatable(subscription: StoredSubscription, params: Params): void {
  const beyond = Object.keys(params).filter((name) => !['cancellation_details', 'expand', 'metadata'].includes(name));
  if (!isEnded(subscription) || beyond.length === 0) return;
  throw refused('A canceled subscription can only update its cancellation_details and metadata.');
}

/** Sets the fields without side effects. */
function applyPlain(account: Account, object: Subscription, params: Params): void {
  const { cancellation_details: details, description, metadata, pause_collection: pause } = params;
  if (description !== undefined) object.description = description;
  object.metadata = mergeMetadata(object.metadata, metadata);
  if (pause !== undefined)
    object.pause_collection =
      pause === null ? null : { behavior: pause.behavior, resumes_at: pause.resumes_at ?? null };
  if (params.trial_settings !== undefined)
    object.trial_settings = trialSettings(params.trial_settings.end_behavior.missing_payment_method);
  const saves = params.payment_settings?.save_default_payment_method;
  if (saves !== undefined && object.payment_settings !== null)
    object.payment_settings = { ...object.payment_settings, save_default_payment_method: saves };
  if (details !== undefined && object.cancellation_details !== null)
    object.cancellation_details = { ...object.cancellation_details, ...details };
}

/** `cancel_at_period_end` means the end of the current period after the update. */
function applyCancelAt(account: Account, object: Subscription, params: Params): void {
  const { cancel_at: at, cancel_at_period_end: atEnd } = params;
  if (at !== undefined) {
    object.cancel_at = at;
    object.cancel_at_period_end = false;
  }
  if (atEnd === true) object.cancel_at_period_end = true;
  if (atEnd === false && object.cancel_at_period_end) {
    object.cancel_at_period_end = false;
    object.cancel_at = null;
  }
  if (object.cancel_at_period_end) object.cancel_at = periodOf(object).end;
  object.canceled_at = object.cancel_at === null ? null : (object.canceled_at ?? account.clock.nowSeconds());
}

function applyChange(account: Account, subscription: StoredSubscription, change: Change): void {
  const { object } = subscription;
  const wasTrialing = object.status === 'trialing';
  object.items = listOf(change.items, object.items.url);
  if (change.anchor !== undefined) object.billing_cycle_anchor = change.anchor;
  if (change.trialEnd !== null) {
    object.trial_start = wasTrialing ? object.trial_start : account.clock.nowSeconds();
    object.trial_end = change.trialEnd;
  } else if (wasTrialing) {
    object.trial_end = account.clock.nowSeconds();
  }
  moveSubscription(subscription, change.status);
}

/** The lines to invoice at once, including the prorations that waited for an invoice. */
function changeLines(account: Account, subscription: StoredSubscription, change: Change): InvoiceLine[] {
  const { id, currency } = subscription.object;
  const period = change.invoice === 'period' ? periodLines(account, id, change.items, false) : [];
  return [...takePending(account, subscription), ...pendingLines(account, id, change.prorations, currency), ...period];
}

function invoiceChange(
  account: Account,
  subscription: StoredSubscription,
  change: Change,
  cause: RequestCause,
  charged?: Charged,
): StoredInvoice {
  const lines = changeLines(account, subscription, change);
  const now = account.clock.nowSeconds();
  const request = { reason: 'subscription_update', lines, period: { start: now, end: now }, advance: 'now' } as const;
  const invoice = draftInvoice(account, subscription, request, cause);
  finalize(account, invoice, cause, charged);
  return invoice;
}

function collectChange(
  account: Account,
  subscription: StoredSubscription,
  invoice: StoredInvoice,
  params: Params,
  charged: Charged | undefined,
  cause: RequestCause,
): void {
  if (charged !== undefined) {
    payWithCharge(account, invoice, cause);
    return;
  }
  if (params.payment_behavior !== 'default_incomplete') {
    collect(account, invoice, { automatic: true, offSession: params.off_session ?? false }, cause);
    return;
  }
  // The customer must confirm the payment; until then it counts as failed.
  if (subscription.object.status !== 'active') return;
  update(account, subscription, cause, () => moveSubscription(subscription, 'past_due'));
}

/** With `error_if_incomplete`, charges before anything changes. */
function chargedBefore(
  account: Account,
  subscription: StoredSubscription,
  change: Change,
  params: Params,
  methodId: string | undefined,
  cause: RequestCause,
): Charged | undefined {
  if (params.payment_behavior !== 'error_if_incomplete') return undefined;
  const { object, pendingItems } = subscription;
  const parts = [...pendingItems, ...change.prorations].reduce((sum, { amount }) => sum + amount, 0);
  const total = parts + (change.invoice === 'period' ? periodAmount(change.items) : 0);
  const { amountDue } = totals(total, account.customers.get(object.customer)?.balance ?? 0);
  if (amountDue === 0) return undefined;
  const method = defaultMethod(account, object.customer, methodId, object.default_payment_method);
  if (method === undefined) throw noMethod();
  return chargeFirst(account, object, amountDue, method, params.off_session ?? false, cause);
}

/** The parameters of this simulator that Stripe accepts together with `pending_if_incomplete`. */
const WITH_PENDING = ['expand', 'items', 'off_session', 'payment_behavior', 'proration_behavior', 'proration_date'];

/** Applies the change when its invoice is paid; until then it is shown as the pending update. */
function proposeChange(
  account: Account,
  subscription: StoredSubscription,
  change: Change,
  params: Params,
  cause: RequestCause,
): void {
  const other = Object.keys(params).find((name) => !WITH_PENDING.includes(name));
  if (other !== undefined) {
    const message = `When \`payment_behavior=pending_if_incomplete\` is set, you can only pass supported params. You may not pass: ${other}.`;
    throw invalidParameter(message, other);
  }
  const invoice = invoiceChange(account, subscription, change, cause);
  if (invoice.object.status === 'open') {
    subscription.pendingInvoice = invoice.id;
    collect(account, invoice, { automatic: true, offSession: params.off_session ?? false }, cause);
  }
  const isPaid = (): boolean => invoice.object.status === 'paid';
  update(account, subscription, cause, (object) => {
    if (isPaid()) applyChange(account, subscription, change);
    else object.pending_update = pendingUpdate(account, change);
  });
  armSubscription(account, subscription);
}

function pendingUpdate(account: Account, change: Change): NonNullable<Subscription['pending_update']> {
  return {
    billing_cycle_anchor: change.anchor ?? null,
    cancel_at_period_end: null,
    discount: null,
    discounts: null,
    expires_at: account.clock.nowSeconds() + INCOMPLETE_SECONDS,
    metadata: null,
    subscription_items: change.items,
    trial_end: null,
    trial_from_plan: null,
  };
}
