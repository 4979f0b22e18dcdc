import type { Account } from '../../state/account';
import { CLOCK_CAUSE, type RequestCause } from '../../state/model';
import { nextBoundary } from '../calendar';
import { defaultMethod } from '../invoices/collect';
import { draftInvoice } from '../invoices/make';
import type { InvoiceRequest } from '../invoices/object';
import { stopCollecting, voidInvoice } from '../invoices/states';
import { pendingLines, periodLines } from '../invoices/line-items';
import type { StoredInvoice, StoredSubscription } from '../model';
import { invoices, subscriptions } from '../resources';
import { preview } from '../invoices/preview';
import { endSubscription, expireSubscription, isEnded, moveSubscription, update } from './states';
import { periodOf, recurringOf, setPeriod } from './object';
import { timerAt } from '../time';

/** Stripe announces a trial's end three days before it, or at once if it is nearer. */
const TRIAL_NOTICE_SECONDS = 3 * 86_400;

type Due = { readonly what: keyof typeof STEPS; readonly at: number };

/** The automatic next step of a subscription, with its time in seconds since the epoch; undefined if there is none. */
export function nextDue(subscription: StoredSubscription, upcomingNoticeMs: number): Due | undefined {
  const { object, expiresAt } = subscription;
  if (isEnded(subscription)) return undefined;
  const { end } = periodOf(object);
  // At the same time, the earlier in this list comes first: a step that ends the subscription before one that renews it.
  const dues: (Due | undefined)[] = [
    expiresAt === null ? undefined : { what: 'expire', at: expiresAt },
    object.cancel_at === null ? undefined : { what: 'cancel', at: object.cancel_at },
    object.pending_update === null ? undefined : { what: 'dropUpdate', at: object.pending_update.expires_at },
    object.pause_collection?.resumes_at == null
      ? undefined
      : { what: 'resumeCollection', at: object.pause_collection.resumes_at },
    ...(object.status === 'incomplete' || object.status === 'paused'
      ? []
      : periodDues(subscription, upcomingNoticeMs, end)),
  ];
  return dues.reduce((first, due) => (due !== undefined && (first === undefined || due.at < first.at) ? due : first));
}

function periodDues(subscription: StoredSubscription, upcomingNoticeMs: number, end: number): (Due | undefined)[] {
  const { object, toldTrialEnd, toldPeriodEnd } = subscription;
  const trialEnd = object.status === 'trialing' ? object.trial_end : null;
  return [
    trialEnd === null || toldTrialEnd === trialEnd
      ? undefined
      : { what: 'announceTrialEnd', at: trialEnd - TRIAL_NOTICE_SECONDS },
    upcomingNoticeMs === 0 || toldPeriodEnd === end || object.cancel_at !== null
      ? undefined
      : { what: 'announceInvoice', at: end - Math.ceil(upcomingNoticeMs / 1000) },
    { what: trialEnd === null ? 'renew' : 'endTrial', at: end },
  ];
}

/** Replaces the subscription's timer by one for its next step. */
export function armSubscription(account: Account, subscription: StoredSubscription): void {
  subscription.timer?.cancel();
  subscription.timer = undefined;
  const due = nextDue(subscription, account.billing.now.upcomingNoticeMs);
  if (due === undefined) return;
  if (due.what === 'announceTrialEnd' && due.at <= account.clock.nowSeconds()) {
    // The trial is shorter than the notice, or was shortened.
    STEPS.announceTrialEnd(account, subscription);
    armSubscription(account, subscription);
    return;
  }
  subscription.timer = timerAt(account, subscription.object.test_clock, due.at * 1000, () => {
    const found = account.of(subscriptions).get(subscription.id);
    if (found === undefined) return;
    STEPS[due.what](account, found);
    armSubscription(account, found);
  });
}

const STEPS = {
  expire: (account: Account, subscription: StoredSubscription): void =>
    expireSubscription(account, subscription, CLOCK_CAUSE),
  cancel: (account: Account, subscription: StoredSubscription): void => {
    endSubscription(account, subscription, 'cancellation_requested', CLOCK_CAUSE);
    invoicePending(account, subscription, 'later', CLOCK_CAUSE);
  },
  dropUpdate: dropPendingUpdate,
  resumeCollection: (account: Account, subscription: StoredSubscription): void =>
    update(account, subscription, CLOCK_CAUSE, (object) => {
      object.pause_collection = null;
    }),
  announceTrialEnd: (account: Account, subscription: StoredSubscription): void => {
    subscription.toldTrialEnd = subscription.object.trial_end;
    account.log.emit('customer.subscription.trial_will_end', subscription.object, CLOCK_CAUSE);
  },
  announceInvoice: (account: Account, subscription: StoredSubscription): void => {
    subscription.toldPeriodEnd = periodOf(subscription.object).end;
    account.log.emit('invoice.upcoming', preview(account, subscription), CLOCK_CAUSE);
  },
  endTrial,
  renew,
};

function endTrial(account: Account, subscription: StoredSubscription): void {
  const { object } = subscription;
  const method = defaultMethod(account, object.customer, object.default_payment_method);
  const onMissing = object.trial_settings?.end_behavior.missing_payment_method;
  if (method === undefined && onMissing === 'cancel') {
    endSubscription(account, subscription, 'payment_failed', CLOCK_CAUSE);
    return;
  }
  if (method === undefined && onMissing === 'pause') {
    update(account, subscription, CLOCK_CAUSE, () => moveSubscription(subscription, 'paused'));
    account.log.emit('customer.subscription.paused', object, CLOCK_CAUSE);
    return;
  }
  renew(account, subscription);
}

/** Begins the next period with its invoice. If that is not paid, its tries decide the subscription's status, not the period. */
function renew(account: Account, subscription: StoredSubscription): void {
  const { object } = subscription;
  const ended = periodOf(object);
  update(account, subscription, CLOCK_CAUSE, () => {
    if (object.status === 'trialing') moveSubscription(subscription, 'active');
    setPeriod(object, ended.end, nextBoundary(object.billing_cycle_anchor, recurringOf(object), ended.end));
    draftInvoice(account, subscription, periodRequest(account, subscription, ended), CLOCK_CAUSE);
  });
}

/** Stripe keeps the invoices of an unpaid subscription as drafts, and those of a collection paused as `keep_as_draft`. */
function periodRequest(
  account: Account,
  subscription: StoredSubscription,
  ended: { start: number; end: number },
): InvoiceRequest {
  const { object } = subscription;
  const stays = object.status === 'unpaid' || object.pause_collection?.behavior === 'keep_as_draft';
  const lines = [...takePending(account, subscription), ...periodLines(account, object.id, object.items.data, false)];
  return { reason: 'subscription_cycle', lines, period: ended, advance: stays ? 'never' : 'later' };
}

/** Removes the prorations that wait for an invoice and returns them as lines. */
export function takePending(account: Account, subscription: StoredSubscription): InvoiceRequest['lines'] {
  const { object, pendingItems } = subscription;
  subscription.pendingItems = [];
  return pendingLines(account, object.id, pendingItems, object.currency);
}

/** A last invoice for the prorations that still wait for one; undefined if there are none. */
export function invoicePending(
  account: Account,
  subscription: StoredSubscription,
  advance: 'now' | 'later',
  cause: RequestCause,
): StoredInvoice | undefined {
  if (subscription.pendingItems.length === 0) return undefined;
  const lines = takePending(account, subscription);
  const period = periodOf(subscription.object);
  return draftInvoice(account, subscription, { reason: 'subscription_cycle', lines, period, advance }, cause);
}

function dropPendingUpdate(account: Account, subscription: StoredSubscription): void {
  const waiting = subscription.pendingInvoice;
  const invoice = waiting === null ? undefined : account.of(invoices).get(waiting);
  subscription.pendingInvoice = null;
  update(account, subscription, CLOCK_CAUSE, (object) => {
    object.pending_update = null;
  });
  account.log.emit('customer.subscription.pending_update_expired', subscription.object, CLOCK_CAUSE);
  if (invoice?.object.status === 'open') voidInvoice(account, invoice, CLOCK_CAUSE);
  else if (invoice?.object.status === 'draft') stopCollecting(account, invoice, CLOCK_CAUSE);
}
