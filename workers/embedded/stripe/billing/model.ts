import type Stripe from 'stripe';
import type { ClockTimer } from '../state/clock';

// The SDK's own types, with references narrowed to ids and decimals as the text that goes over the wire.
export interface Recurring {
  interval: 'day' | 'week' | 'month' | 'year';
  interval_count: number;
  meter: null;
  trial_period_days: number | null;
  usage_type: 'licensed';
}
export type Product = Omit<Stripe.Product, 'default_price'> & { default_price: string | null };
export type Price = Omit<Stripe.Price, 'product' | 'recurring' | 'unit_amount' | 'unit_amount_decimal'> & {
  product: string;
  recurring: Recurring | null;
  unit_amount: number;
  unit_amount_decimal: string;
};
export type Plan = Omit<Stripe.Plan, 'amount_decimal' | 'product'> & { amount_decimal: string; product: string };
export type SubscriptionItem = Omit<Stripe.SubscriptionItem, 'price' | 'plan' | 'quantity'> & {
  price: Price & { recurring: Recurring };
  plan: Plan;
  quantity: number;
};

export type SubscriptionStatus =
  'incomplete' | 'incomplete_expired' | 'trialing' | 'active' | 'past_due' | 'unpaid' | 'canceled' | 'paused';
export type PendingUpdate = Omit<Stripe.Subscription.PendingUpdate, 'subscription_items'> & {
  subscription_items: SubscriptionItem[] | null;
};
export type Subscription = Omit<
  Stripe.Subscription,
  'customer' | 'default_payment_method' | 'items' | 'latest_invoice' | 'pending_update' | 'status' | 'test_clock'
> & {
  customer: string;
  default_payment_method: string | null;
  items: List<SubscriptionItem>;
  latest_invoice: string | null;
  pending_update: PendingUpdate | null;
  status: SubscriptionStatus;
  test_clock: string | null;
};

export type InvoiceStatus = 'draft' | 'open' | 'paid' | 'uncollectible' | 'void';
export type BillingReason =
  'subscription_create' | 'subscription_cycle' | 'subscription_update' | 'manual' | 'upcoming';
export type InvoiceLine = Omit<Stripe.InvoiceLineItem, 'pricing' | 'quantity_decimal' | 'subscription'> & {
  pricing: { price_details: { price: string; product: string }; type: 'price_details'; unit_amount_decimal: string };
  quantity_decimal: string;
  subscription: string | null;
};
export type Invoice = Omit<
  Stripe.Invoice,
  'billing_reason' | 'customer' | 'default_payment_method' | 'lines' | 'parent' | 'payments' | 'status' | 'test_clock'
> & {
  billing_reason: BillingReason;
  customer: string;
  default_payment_method: string | null;
  lines: List<InvoiceLine>;
  parent: {
    quote_details: null;
    subscription_details: { metadata: Record<string, string>; subscription: string };
    type: 'subscription_details';
  } | null;
  status: InvoiceStatus;
  test_clock: string | null;
};
export type InvoicePayment = Omit<Stripe.InvoicePayment, 'invoice' | 'payment' | 'status'> & {
  invoice: string;
  payment: { payment_intent: string; type: 'payment_intent' };
  status: 'canceled' | 'open' | 'paid';
};
export type TestClock = Omit<Stripe.TestHelpers.TestClock, 'status'> & { status: 'advancing' | 'ready' };

/** Stripe's list envelope, for lists inside an object. */
export interface List<T> {
  object: 'list';
  data: T[];
  has_more: boolean;
  total_count: number;
  url: string;
}

export function listOf<T>(data: T[], url: string): List<T> {
  return { object: 'list', data, has_more: false, total_count: data.length, url };
}

/** The cost or credit of a change within a period; it goes on the next invoice. Amounts in minor units. */
export interface PendingItem {
  readonly id: string;
  readonly itemId: string;
  readonly priceId: string;
  readonly productId: string;
  readonly description: string;
  readonly quantity: number;
  readonly amount: number;
  readonly period: { start: number; end: number };
}

/** A subscription with the simulator's own data about it. Times are seconds since the epoch. */
export interface StoredSubscription {
  readonly id: string;
  readonly object: Subscription;
  /** The trial's end for which `trial_will_end` was sent, so that it is sent only once. */
  toldTrialEnd: number | null;
  /** The period's end for which `invoice.upcoming` was sent. */
  toldPeriodEnd: number | null;
  /** When an incomplete subscription expires. */
  expiresAt: number | null;
  pendingItems: PendingItem[];
  /** The invoice whose payment applies the pending update. */
  pendingInvoice: string | null;
  timer: ClockTimer | undefined;
}

/** The automatic next step of an invoice. `plan`: the time of the next try is published; `attempt`: it is made. */
export interface InvoiceDue {
  readonly what: 'finalize' | 'plan' | 'attempt';
  readonly atMs: number;
}

/** An invoice with the simulator's own data about its collection. */
export interface StoredInvoice {
  readonly id: string;
  readonly object: Invoice;
  due: InvoiceDue | null;
  /** The time of the try that is not published yet (`plan`). */
  plannedMs: number | null;
  /** When its first try failed: the schedule of the retries begins there. */
  firstFailureMs: number | null;
  retries: number;
  /** The payment method that was refused permanently: no retry uses it. */
  refusedMethod: string | null;
  timer: ClockTimer | undefined;
}

/** A clock that changes only when it is advanced, for the objects of the customers created on it. */
export interface StoredTestClock {
  readonly id: string;
  readonly object: TestClock;
  deleted: boolean;
}
