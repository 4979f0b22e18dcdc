import type { Account } from '../../state/account';
import { invalidParameter, noSuch, refused } from '../../http/errors';
import { listPage } from '../../http/lists';
import type { RequestCause } from '../../state/model';
import { route } from '../../http/request';
import type { Parsed } from '../../http/schema';
import { expand } from '../../state/shapes';
import { nextBoundary } from '../calendar';
import { collect } from '../invoices/collect';
import { draftInvoice, finalize } from '../invoices/make';
import { periodLines } from '../invoices/line-items';
import type { Invoice, StoredSubscription, Subscription, SubscriptionItem } from '../model';
import { preview } from '../invoices/preview';
import { prorations } from '../invoices/proration';
import { subscriptions } from '../resources';
import {
  invoicePreview,
  itemList,
  itemUpdate,
  subscriptionCancel,
  subscriptionCreate,
  subscriptionList,
  subscriptionResume,
  subscriptionUpdate,
} from '../shapes';
import { changeOf } from './change';
import { createSubscription } from './create';
import { armSubscription, invoicePending } from './cycle';
import { recurringOf, setPeriod } from './object';
import { endSubscription, isEnded, moveSubscription, update } from './states';
import { updateSubscription } from './update';
import { inTimeOf, isGone } from '../time';

export const subscriptionRoutes = [
  route('POST', '/v1/subscriptions', subscriptionCreate, ({ account, params, cause }) =>
    createSubscription(account, params, cause),
  ),
  route('GET', '/v1/subscriptions/:id', expand, ({ account, ids: [id = ''] }) => findSubscription(account, id).object),
  route('POST', '/v1/subscriptions/:id', subscriptionUpdate, ({ account, ids: [id = ''], params, cause }) =>
    acting(account, id, (subscription) => updateSubscription(account, subscription, params, cause)),
  ),
  route('DELETE', '/v1/subscriptions/:id', subscriptionCancel, ({ account, ids: [id = ''], params, cause }) =>
    acting(account, id, (subscription) => cancelNow(account, subscription, params, cause)),
  ),
  route('POST', '/v1/subscriptions/:id/resume', subscriptionResume, ({ account, ids: [id = ''], params, cause }) =>
    acting(account, id, (subscription) => resume(account, subscription, params, cause)),
  ),
  route('GET', '/v1/subscriptions', subscriptionList, ({ account, params }) =>
    listPage(account.of(subscriptions), params, {
      url: '/v1/subscriptions',
      ...(params.test_clock === undefined ? {} : { index: 'test_clock', indexValue: params.test_clock }),
      ...(params.customer === undefined ? {} : { index: 'customer', indexValue: params.customer }),
      created: ({ object }) => object.created,
      where: (subscription) => isListed(subscription, params) && !isGone(account, subscription.object.test_clock),
      render: ({ object }) => object,
    }),
  ),
];

export const subscriptionItemRoutes = [
  route('GET', '/v1/subscription_items', itemList, ({ account, params }) => {
    const { data } = findSubscription(account, params.subscription, 400).object.items;
    const after = params.starting_after === undefined ? -1 : data.findIndex(({ id }) => id === params.starting_after);
    const page = data.slice(after + 1, after + 1 + (params.limit ?? 10));
    const hasMore = after + 1 + page.length < data.length;
    return { object: 'list', data: page, has_more: hasMore, url: '/v1/subscription_items' };
  }),
  route('GET', '/v1/subscription_items/:id', expand, ({ account, ids: [id = ''] }) => findItem(account, id).item),
  route('POST', '/v1/subscription_items/:id', itemUpdate, ({ account, ids: [id = ''], params, cause }) => {
    const { subscription } = findItem(account, id);
    const { price, quantity, metadata, ...rest } = params;
    const change = {
      id,
      ...(price === undefined ? {} : { price }),
      ...(quantity === undefined ? {} : { quantity }),
      ...(metadata === undefined ? {} : { metadata }),
    };
    inTimeOf(account, subscription.object.test_clock, () =>
      updateSubscription(account, subscription, { ...rest, items: [change] }, cause),
    );
    return findItem(account, id).item;
  }),
];

/** Stripe's preview of an invoice: the next one of a subscription, if given with a change that is not made. */
export const previewRoutes = [
  route('POST', '/v1/invoices/create_preview', invoicePreview, ({ account, params }): Invoice => {
    const { subscription: id, subscription_details: details = {} } = params;
    if (id === undefined)
      throw invalidParameter('Missing required param: subscription.', 'subscription', 'parameter_missing');
    const subscription = findSubscription(account, id, 400);
    if (isEnded(subscription) || subscription.object.cancel_at_period_end) {
      throw refused(`No upcoming invoices for subscription: ${id}`, { code: 'invoice_upcoming_none' });
    }
    return inTimeOf(account, subscription.object.test_clock, () => {
      const change = changeOf(account, subscription, details);
      return preview(account, subscription, change);
    });
  }),
];

function findSubscription(account: Account, id: string, status: 400 | 404 = 404): StoredSubscription {
  const found = account.of(subscriptions).get(id);
  if (found === undefined || isGone(account, found.object.test_clock))
    throw noSuch('subscription', id, status === 404 ? 'id' : 'subscription', status);
  return found;
}

/** Searches all subscriptions: items are requested by their own id too rarely for an index. */
function findItem(account: Account, id: string): { subscription: StoredSubscription; item: SubscriptionItem } {
  for (const { id: ownerId, object } of account.of(subscriptions).values()) {
    const item = object.items.data.find((one) => one.id === id);
    if (item !== undefined) return { subscription: findSubscription(account, ownerId), item };
  }
  throw noSuch('subscription_item', id, 'item', 404);
}

function acting(account: Account, id: string, act: (subscription: StoredSubscription) => void): Subscription {
  const subscription = findSubscription(account, id);
  inTimeOf(account, subscription.object.test_clock, () => act(subscription));
  return subscription.object;
}

/** Without a status, every subscription that is not canceled is listed. */
function isListed({ object }: StoredSubscription, params: Parsed<typeof subscriptionList>): boolean {
  const { collection_method: method, customer, price, status, test_clock: testClock } = params;
  const byStatus =
    status === undefined
      ? object.status !== 'canceled'
      : status === 'all' ||
        (status === 'ended' ? ['canceled', 'incomplete_expired'].includes(object.status) : object.status === status);
  const byClock =
    testClock === undefined ? customer !== undefined || object.test_clock === null : object.test_clock === testClock;
  return (
    byStatus &&
    byClock &&
    (method === undefined || object.collection_method === method) &&
    (customer === undefined || object.customer === customer) &&
    (price === undefined || object.items.data.some((item) => item.price.id === price))
  );
}

function cancelNow(
  account: Account,
  subscription: StoredSubscription,
  params: Parsed<typeof subscriptionCancel>,
  cause: RequestCause,
): void {
  const { object } = subscription;
  if (isEnded(subscription)) throw noSuch('subscription', object.id, 'id', 404);
  if (params.cancellation_details !== undefined && object.cancellation_details !== null)
    object.cancellation_details = { ...object.cancellation_details, ...params.cancellation_details };
  const unused = object.items.data.map((item) => ({ before: item, after: undefined }));
  if (params.prorate === true && object.status !== 'trialing')
    subscription.pendingItems.push(...prorations(account, unused, account.clock.nowSeconds()));
  const last = params.invoice_now === true ? invoicePending(account, subscription, 'now', cause) : undefined;
  endSubscription(account, subscription, 'cancellation_requested', cause);
  if (last === undefined) return;
  finalize(account, last, cause);
  if (last.object.status === 'open') collect(account, last, { automatic: true, offSession: true }, cause);
}

/** A paused subscription begins a new period now, with its invoice. */
function resume(
  account: Account,
  subscription: StoredSubscription,
  params: Parsed<typeof subscriptionResume>,
  cause: RequestCause,
): void {
  const { object } = subscription;
  if (object.status !== 'paused')
    throw refused(`Only paused subscriptions can be resumed. This subscription is ${object.status}.`);
  const now = account.clock.nowSeconds();
  const waits = params.payment_behavior === 'resume_on_payment_success';
  update(account, subscription, cause, () => {
    object.billing_cycle_anchor = now;
    setPeriod(object, now, nextBoundary(now, recurringOf(object), now));
    if (!waits) moveSubscription(subscription, 'active');
  });
  if (!waits) account.log.emit('customer.subscription.resumed', object, cause);
  const lines = periodLines(account, object.id, object.items.data, false);
  const period = { start: now, end: now };
  const request = { reason: 'subscription_update', lines, period, advance: 'now' } as const;
  const invoice = draftInvoice(account, subscription, request, cause);
  if (waits) subscription.pendingInvoice = invoice.id;
  finalize(account, invoice, cause);
  if (invoice.object.status === 'open') collect(account, invoice, { automatic: true, offSession: false }, cause);
  armSubscription(account, subscription);
}
