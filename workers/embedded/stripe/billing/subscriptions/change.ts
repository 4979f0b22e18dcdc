import type { Account } from '../../state/account';
import { invalidParameter, noSuch } from '../../http/errors';
import { mergeMetadata } from '../../state/metadata';
import type { Parsed } from '../../http/schema';
import { nextBoundary } from '../calendar';
import { sellablePrice } from '../catalogue';
import type { PendingItem, StoredSubscription, SubscriptionItem, SubscriptionStatus } from '../model';
import { prorations, type ItemChange } from '../invoices/proration';
import type { subscriptionUpdate } from '../shapes';
import { assertTrialEnd } from './create';
import { changedItem, newItem, recurringOf } from './object';
import { assertTogether } from './params';

type Params = Pick<Parsed<typeof subscriptionUpdate>, 'items' | 'proration_behavior' | 'proration_date' | 'trial_end'>;

/** The items, trial and period after an update. Times are seconds since the epoch. */
export interface Change {
  /** With their periods after the update. */
  readonly items: SubscriptionItem[];
  readonly prorations: readonly PendingItem[];
  /** The cycle's new anchor, if a new period begins. */
  readonly anchor: number | undefined;
  /** The end of a trial that begins or continues; null ends the trial. */
  readonly trialEnd: number | null;
  readonly status: SubscriptionStatus;
  /** `period`: a whole new period is owed at once; `prorations`: only what the change costs. */
  readonly invoice: 'none' | 'period' | 'prorations';
}

/**
 * Works out what an update changes; undefined if it changes neither items nor trial.
 * https://docs.stripe.com/billing/subscriptions/prorations: another interval, or the end of a trial, begins a new period.
 */
export function changeOf(account: Account, subscription: StoredSubscription, params: Params): Change | undefined {
  const { object } = subscription;
  const { items: requested = [], trial_end: trialParam } = params;
  if (requested.length === 0 && trialParam === undefined) return undefined;
  const now = account.clock.nowSeconds();
  if (typeof trialParam === 'number') assertTrialEnd(now, trialParam);
  const changes = itemChanges(account, subscription, requested);
  const kept = changes.flatMap(({ after }) => (after === undefined ? [] : [after]));
  if (kept.length === 0) throw invalidParameter('A subscription must have at least one active plan.', 'items');
  assertTogether(kept, object.currency);
  const wasTrialing = object.status === 'trialing';
  const trialEnd = trialParam === 'now' ? null : (trialParam ?? (wasTrialing ? object.trial_end : null));
  const restarts = otherInterval(subscription, kept) && trialEnd === null;
  const endsTrial = wasTrialing && trialEnd === null;
  const changed = changes.filter(({ before, after }) => before !== after);
  const given = params.proration_behavior ?? 'create_prorations';
  const owed = wasTrialing || given === 'none' ? [] : owedFor(trialParam, changed, changes, restarts, trialEnd);
  const costs = prorations(account, owed, params.proration_date ?? now);
  const anchor = restarts || endsTrial ? now : (trialEnd ?? undefined);
  const period = periodAfter(subscription, kept, anchor, trialEnd, now);
  return {
    items: kept.map((item) => ({ ...item, ...period })),
    prorations: costs,
    anchor,
    trialEnd,
    status: statusAfter(object.status, trialEnd),
    invoice: restarts || endsTrial ? 'period' : given === 'always_invoice' && costs.length > 0 ? 'prorations' : 'none',
  };
}

/** The credits and costs of a change: if a period ends early, only a credit for its unused part. */
function owedFor(
  trialParam: Params['trial_end'],
  changed: readonly ItemChange[],
  all: readonly ItemChange[],
  restarts: boolean,
  trialEnd: number | null,
): ItemChange[] {
  const endsEarly = restarts || (trialParam !== undefined && trialEnd !== null);
  if (!endsEarly) return [...changed];
  return all.map(({ before }) => ({ before, after: undefined }));
}

function statusAfter(status: SubscriptionStatus, trialEnd: number | null): SubscriptionStatus {
  if (trialEnd !== null) return 'trialing';
  return status === 'trialing' ? 'active' : status;
}

type PeriodFields = Pick<SubscriptionItem, 'current_period_end' | 'current_period_start'>;

function periodAfter(
  subscription: StoredSubscription,
  items: readonly SubscriptionItem[],
  anchor: number | undefined,
  trialEnd: number | null,
  now: number,
): PeriodFields {
  const [first] = subscription.object.items.data;
  const start = first?.current_period_start ?? now;
  if (trialEnd !== null) {
    const begins = subscription.object.status === 'trialing' ? start : now;
    return { current_period_start: begins, current_period_end: trialEnd };
  }
  if (anchor === undefined)
    return { current_period_start: start, current_period_end: first?.current_period_end ?? now };
  const recurring = items[0]?.price.recurring ?? recurringOf(subscription.object);
  return { current_period_start: now, current_period_end: nextBoundary(now, recurring, now) };
}

function otherInterval({ object }: StoredSubscription, items: readonly SubscriptionItem[]): boolean {
  const before = recurringOf(object);
  const after = items[0]?.price.recurring;
  return before.interval !== after?.interval || before.interval_count !== after.interval_count;
}

/** Every item before and after the update; an untouched one is the same object on both sides. */
function itemChanges(
  account: Account,
  subscription: StoredSubscription,
  requested: NonNullable<Params['items']>,
): ItemChange[] {
  const { data } = subscription.object.items;
  const changes = new Map<string, ItemChange>(data.map((item) => [item.id, { before: item, after: item }]));
  requested.forEach((request, index) => {
    const path = `items[${index}]`;
    if (request.id === undefined) {
      if (request.price === undefined)
        throw invalidParameter(`Missing required param: ${path}[price].`, `${path}[price]`, 'parameter_missing');
      const { quantity = 1, metadata } = request;
      const price = sellablePrice(account, request.price, `${path}[price]`);
      const [sibling] = data;
      const added = {
        ...newItem(account, subscription.id, { price, quantity, metadata }),
        current_period_start: sibling?.current_period_start ?? 0,
        current_period_end: sibling?.current_period_end ?? 0,
      };
      changes.set(added.id, { before: undefined, after: added });
      return;
    }
    const before = data.find(({ id }) => id === request.id);
    if (before === undefined) throw noSuch('subscription_item', request.id, `${path}[id]`, 400);
    if (request.deleted === true) {
      changes.set(before.id, { before, after: undefined });
      return;
    }
    const { quantity = before.quantity, metadata } = request;
    const price = request.price === undefined ? before.price : sellablePrice(account, request.price, `${path}[price]`);
    if (metadata !== undefined) before.metadata = mergeMetadata(before.metadata, metadata);
    if (price.id !== before.price.id || quantity !== before.quantity)
      changes.set(before.id, { before, after: changedItem(before, price, quantity) });
  });
  return [...changes.values()];
}
