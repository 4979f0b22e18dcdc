import type { Account } from '../../state/account';
import type { RequestCause } from '../../state/model';
import { changedFields, emitChange, snapshotOf } from './changes';
import { stopCollecting, voidInvoice } from '../invoices/states';
import {
  listOf,
  type StoredInvoice,
  type StoredSubscription,
  type Subscription,
  type SubscriptionStatus,
} from '../model';
import { invoices, subscriptions } from '../resources';

/** Where a subscription may go from each status. https://docs.stripe.com/billing/subscriptions/overview#subscription-statuses */
export const SUBSCRIPTION_TRANSITIONS: Readonly<Record<SubscriptionStatus, readonly SubscriptionStatus[]>> = {
  incomplete: ['active', 'incomplete_expired', 'canceled'],
  incomplete_expired: [],
  trialing: ['active', 'past_due', 'paused', 'canceled'],
  active: ['trialing', 'past_due', 'unpaid', 'paused', 'canceled'],
  past_due: ['trialing', 'active', 'unpaid', 'canceled'],
  unpaid: ['trialing', 'active', 'past_due', 'canceled'],
  paused: ['active', 'past_due', 'canceled'],
  canceled: [],
};
const ENDED: readonly SubscriptionStatus[] = ['canceled', 'incomplete_expired'];

export function isEnded({ object }: StoredSubscription): boolean {
  return ENDED.includes(object.status);
}

/** Changes the subscription's status. @throws Error for a transition that is not in the table: a bug of the simulator */
export function moveSubscription({ object }: StoredSubscription, status: SubscriptionStatus): void {
  if (object.status === status) return;
  if (!SUBSCRIPTION_TRANSITIONS[object.status].includes(status))
    throw new Error(`${object.id} cannot go from ${object.status} to ${status}`);
  object.status = status;
}

/** Changes a subscription and writes the event of the change, with the former values. */
export function update(
  account: Account,
  subscription: StoredSubscription,
  cause: RequestCause,
  change: (object: Subscription) => void,
): void {
  account.of(subscriptions).get(subscription.id);
  emitChange(account, 'customer.subscription.updated', subscription.object, cause, () => change(subscription.object));
}

/** Ends a subscription now. Open invoices stay open but are not collected; an open first invoice is voided. */
export function endSubscription(
  account: Account,
  subscription: StoredSubscription,
  reason: 'cancellation_requested' | 'payment_failed',
  cause: RequestCause,
): void {
  const { object } = subscription;
  const wasIncomplete = object.status === 'incomplete';
  const now = account.clock.nowSeconds();
  account.of(subscriptions).get(subscription.id);
  subscription.timer?.cancel();
  subscription.timer = undefined;
  subscription.pendingInvoice = null;
  moveSubscription(subscription, 'canceled');
  object.canceled_at ??= now;
  object.ended_at = now;
  object.pending_update = null;
  const { comment = null, feedback = null } = object.cancellation_details ?? {};
  object.cancellation_details = { comment, feedback, feedback_option: null, reason };
  account.log.emit('customer.subscription.deleted', object, cause);
  for (const invoice of unpaidInvoices(account, subscription.id)) {
    if (wasIncomplete && invoice.object.status === 'open') voidInvoice(account, invoice, cause);
    else stopCollecting(account, invoice, cause);
  }
}

/** Expires a subscription whose first invoice was not paid within Stripe's 23 hours. */
export function expireSubscription(account: Account, subscription: StoredSubscription, cause: RequestCause): void {
  subscription.expiresAt = null;
  update(account, subscription, cause, (object) => {
    moveSubscription(subscription, 'incomplete_expired');
    object.ended_at = account.clock.nowSeconds();
  });
  for (const invoice of unpaidInvoices(account, subscription.id))
    if (invoice.object.status === 'open') voidInvoice(account, invoice, cause);
}

/** The newest invoice that was finalized: the one that decides whether the subscription is paid. */
function decidingInvoice(account: Account, subscriptionId: string): StoredInvoice | undefined {
  return account
    .of(invoices)
    .filed('subscription', subscriptionId)
    .findLast(({ object }) => object.status !== 'draft');
}

/**
 * Updates a subscription after one of its invoices was paid: it becomes active if the invoice is the deciding one, and an update
 * that waited for the payment is applied.
 */
export function recover(
  account: Account,
  subscription: StoredSubscription,
  invoice: StoredInvoice,
  methodId: string | null,
  cause: RequestCause,
): void {
  if (isEnded(subscription)) return;
  const wasPaused = subscription.object.status === 'paused';
  const wasAwaited = subscription.pendingInvoice === invoice.id;
  const decides = decidingInvoice(account, subscription.id)?.id === invoice.id;
  const before = snapshotOf(subscription.object);
  const pending = wasAwaited ? subscription.object.pending_update : null;
  const object = subscription.object;
  if (decides && ['incomplete', 'past_due', 'unpaid'].includes(object.status)) moveSubscription(subscription, 'active');
  if (wasPaused && wasAwaited) moveSubscription(subscription, 'active');
  if (object.status !== 'incomplete') subscription.expiresAt = null;
  if (wasAwaited) subscription.pendingInvoice = null;
  if (pending?.subscription_items != null) {
    object.items = listOf(pending.subscription_items, object.items.url);
    object.billing_cycle_anchor = pending.billing_cycle_anchor ?? object.billing_cycle_anchor;
    object.pending_update = null;
  }
  const saves = object.payment_settings?.save_default_payment_method === 'on_subscription';
  if (saves && object.default_payment_method === null) object.default_payment_method = methodId;
  const previous = changedFields(before, object);
  if (Object.keys(previous).length === 0) return;
  account.of(subscriptions).get(subscription.id);
  account.log.emit('customer.subscription.updated', object, cause, previous);
  if (wasPaused && wasAwaited) account.log.emit('customer.subscription.resumed', object, cause);
  if (pending !== null) account.log.emit('customer.subscription.pending_update_applied', object, cause);
}

function unpaidInvoices(account: Account, subscriptionId: string): StoredInvoice[] {
  return account
    .of(invoices)
    .filed('subscription', subscriptionId)
    .filter(({ object }) => object.status === 'draft' || object.status === 'open');
}
