import type Stripe from 'stripe';
import type { Account } from '../../state/account';
import { mergeMetadata } from '../../state/metadata';
import type { RecurringPrice } from '../catalogue';
import { listOf, type Plan, type Recurring, type Subscription, type SubscriptionItem } from '../model';

/** A new subscription as Stripe shows it. Times are seconds since the epoch. */
export function newSubscription(account: Account, id: string, customerId: string, currency: string): Subscription {
  const now = account.clock.nowSeconds();
  return {
    id,
    object: 'subscription',
    application: null,
    application_fee_percent: null,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null },
    billing_cycle_anchor: now,
    billing_cycle_anchor_config: null,
    billing_mode: { flexible: { proration_discounts: 'included' }, type: 'flexible' },
    billing_schedules: [],
    billing_thresholds: null,
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    cancellation_details: { comment: null, feedback: null, feedback_option: null, reason: null },
    collection_method: 'charge_automatically',
    created: now,
    currency,
    customer: customerId,
    customer_account: null,
    days_until_due: null,
    default_payment_method: null,
    default_source: null,
    default_tax_rates: [],
    description: null,
    discounts: [],
    ended_at: null,
    invoice_settings: {
      account_tax_ids: null,
      custom_fields: null,
      description: null,
      footer: null,
      issuer: { type: 'self' },
    },
    items: listOf<SubscriptionItem>([], `/v1/subscription_items?subscription=${id}`),
    latest_invoice: null,
    livemode: false,
    managed_payments: null,
    metadata: {},
    next_pending_invoice_item_invoice: null,
    on_behalf_of: null,
    pause_collection: null,
    payment_settings: { payment_method_options: null, payment_method_types: null, save_default_payment_method: 'off' },
    pending_invoice_item_interval: null,
    pending_setup_intent: null,
    pending_update: null,
    schedule: null,
    start_date: now,
    status: 'active',
    test_clock: null,
    transfer_data: null,
    trial_end: null,
    trial_settings: trialSettings('create_invoice'),
    trial_start: null,
  };
}

/** What happens to the subscription if its trial ends without a payment method. */
export function trialSettings(missing: 'cancel' | 'create_invoice' | 'pause'): Stripe.Subscription.TrialSettings {
  return { end_behavior: { billing_cycle_anchor: null, missing_payment_method: missing } };
}

export interface ItemRequest {
  readonly price: RecurringPrice;
  readonly quantity: number;
  readonly metadata?: Record<string, string> | null | undefined;
}

export function newItem(account: Account, subscriptionId: string, request: ItemRequest): SubscriptionItem {
  return {
    id: account.newId('si', 14),
    object: 'subscription_item',
    billing_thresholds: null,
    created: account.clock.nowSeconds(),
    current_period_end: 0,
    current_period_start: 0,
    current_trial: null,
    discounts: [],
    metadata: mergeMetadata({}, request.metadata),
    plan: planOf(request.price),
    price: { ...request.price },
    quantity: request.quantity,
    subscription: subscriptionId,
    tax_rates: [],
  };
}

/** The item with another price or quantity; its period stays. */
export function changedItem(item: SubscriptionItem, price: RecurringPrice, quantity: number): SubscriptionItem {
  return { ...item, plan: planOf(price), price: { ...price }, quantity };
}

/** The plan that Stripe still shows beside every price. */
function planOf(price: RecurringPrice): Plan {
  return {
    id: price.id,
    object: 'plan',
    active: price.active,
    amount: price.unit_amount,
    amount_decimal: price.unit_amount_decimal,
    billing_scheme: 'per_unit',
    created: price.created,
    currency: price.currency,
    interval: price.recurring.interval,
    interval_count: price.recurring.interval_count,
    livemode: false,
    metadata: price.metadata,
    meter: null,
    nickname: price.nickname,
    product: price.product,
    tiers_mode: null,
    transform_usage: null,
    trial_period_days: price.recurring.trial_period_days,
    usage_type: 'licensed',
  };
}

/** The start and end of the current period, which are the same for all items. */
export function periodOf({ items }: Subscription): { start: number; end: number } {
  const [first] = items.data;
  return { start: first?.current_period_start ?? 0, end: first?.current_period_end ?? 0 };
}

export function setPeriod(subscription: Subscription, start: number, end: number): void {
  for (const item of subscription.items.data) {
    item.current_period_start = start;
    item.current_period_end = end;
  }
}

/** How often the subscription renews, which is the same for all items. */
export function recurringOf({ id, items }: Subscription): Recurring {
  const [first] = items.data;
  if (first === undefined) throw new Error(`${id} has no items`);
  return first.price.recurring;
}

/** What one period costs, in minor units. */
export function periodAmount(items: readonly SubscriptionItem[]): number {
  return items.reduce((sum, { price, quantity }) => sum + price.unit_amount * quantity, 0);
}
