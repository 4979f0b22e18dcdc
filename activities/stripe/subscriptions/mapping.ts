import type Stripe from 'stripe';
import type { Decline } from '../../../workflows/domain/payment/declines';
import type { SubscriptionItem } from '../../../workflows/domain/subscription/subscription';
import type { InvoiceSnapshot, SubscriptionSnapshot } from '../../../workflows/domain/subscription/snapshot';
import { metadataKeys } from '../metadata';
import { chargeOf, idOf } from '../payments/payment-status';

/**
 * The comment of Holdfast's own cancels. The provider gives every requested cancel the reason `cancellation_requested`; this
 * comment shows that the failed payments ended the subscription, not somebody's wish.
 */
export const ENDED_UNPAID = 'Ended by Holdfast: every try to collect its invoice failed';

/** Everything that one look fetches of a subscription. */
export interface FetchedSubscription {
  /** With its customer, default payment method and products. */
  readonly subscription: Stripe.Subscription;
  /** All items, even if the subscription itself lists only the first ones. */
  readonly items: readonly Stripe.SubscriptionItem[];
  /** The newest few, newest first. */
  readonly invoices: readonly FetchedInvoice[];
  readonly everPaid: boolean;
  readonly upcomingAmount: number | undefined;
}

export interface FetchedInvoice {
  readonly invoice: Stripe.Invoice;
  readonly lines: readonly Stripe.InvoiceLineItem[];
  /** The payment of an invoice that is being collected, with its latest charge. */
  readonly intent: Stripe.PaymentIntent | undefined;
}

/** Maps what was fetched. Personal data is left out. */
export function snapshotOf(fetched: FetchedSubscription): SubscriptionSnapshot {
  const { subscription, items, invoices, everPaid, upcomingAmount } = fetched;
  const ends = items.map((item) => item.current_period_end).filter((end) => Number.isSafeInteger(end));
  const optional = {
    currentPeriodEnd: ends.length === 0 ? undefined : utc(Math.min(...ends)),
    trialEndsAt: utc(subscription.trial_end),
    cancelAt: utc(subscription.cancel_at),
    endedAt: utc(subscription.ended_at),
    endReason: endReasonOf(subscription),
    timeZone: timeZoneOf(subscription),
    upcomingAmount,
  };
  return {
    subscriptionId: subscription.id,
    stripeCustomerId: idOf(subscription.customer) ?? '',
    providerStatus: subscription.status,
    currency: subscription.currency,
    items: items.map(itemOf),
    createdAt: at(subscription.created),
    cancelAtPeriodEnd: subscription.cancel_at_period_end,
    collectionPaused: subscription.pause_collection !== null && subscription.pause_collection !== undefined,
    hasPaymentMethod: hasPaymentMethod(subscription),
    invoices: invoices.map(invoiceOf),
    everPaid,
    ...defined(optional),
  };
}

function itemOf(item: Stripe.SubscriptionItem): SubscriptionItem {
  const { price } = item;
  const product = typeof price.product === 'object' && price.product.deleted !== true ? price.product : undefined;
  return {
    itemId: item.id,
    priceId: price.id,
    productName: product?.name ?? price.nickname ?? '',
    // Prices with tiers or fractions of a cent have no unit amount; invoices show what they cost.
    unitAmount: Math.max(0, price.unit_amount ?? 0),
    quantity: item.quantity ?? 1,
    interval: (price.recurring?.interval ?? 'month') as SubscriptionItem['interval'],
    intervalCount: price.recurring?.interval_count ?? 1,
  };
}

function invoiceOf({ invoice, lines, intent }: FetchedInvoice): InvoiceSnapshot {
  const status = (invoice.status ?? 'draft') as InvoiceSnapshot['status'];
  const isCollected = status === 'draft' || status === 'open';
  const optional = {
    // A paid, void or uncollectible invoice is not tried again, even if a next attempt was planned.
    nextAttemptAt: isCollected ? utc(invoice.next_payment_attempt) : undefined,
    failedAt: status === 'open' && invoice.attempt_count > 0 ? failedAt(invoice, intent) : undefined,
    hostedUrl: invoice.hosted_invoice_url ?? undefined,
    ...(status === 'paid' || intent === undefined ? {} : declineOf(intent)),
  };
  return {
    invoiceId: invoice.id,
    status,
    billingReason: invoice.billing_reason ?? 'manual',
    amountDue: Math.max(0, invoice.amount_due),
    amountPaid: Math.max(0, invoice.amount_paid),
    currency: invoice.currency,
    attemptCount: invoice.attempt_count,
    createdAt: at(invoice.created),
    prorationAmount: lines.filter(isProration).reduce((sum, line) => sum + line.amount, 0),
    ...defined(optional),
  };
}

function isProration({ parent }: Stripe.InvoiceLineItem): boolean {
  const details = parent?.invoice_item_details ?? parent?.subscription_item_details;
  return details?.proration === true;
}

/**
 * When the newest try failed: the time of its charge. If there is no charge (no payment method, or the bank asked the customer
 * first), the time of the first try, which follows the invoice's finalization.
 */
function failedAt(invoice: Stripe.Invoice, intent: Stripe.PaymentIntent | undefined): string | undefined {
  const charge = intent === undefined ? undefined : chargeOf(intent);
  const finalized = invoice.status_transitions.finalized_at ?? 0;
  const failed = charge?.status === 'failed' ? charge.created : 0;
  return utc(Math.max(finalized, failed) || undefined);
}

/** Why the bank, or the provider in its place, refused the newest try. */
export function declineOf(intent: Stripe.PaymentIntent): Decline {
  const error = intent.last_payment_error;
  const charge = chargeOf(intent);
  const outcome = charge?.outcome;
  const asks = intent.status === 'requires_action' ? 'authentication_required' : undefined;
  const code = error?.decline_code ?? charge?.failure_code ?? error?.code;
  return defined({
    declineCode: asks ?? nonEmpty(error?.decline_code) ?? nonEmpty(outcome?.reason) ?? nonEmpty(code),
    adviceCode: nonEmpty(error?.advice_code) ?? nonEmpty(outcome?.advice_code),
    networkAdviceCode: nonEmpty(error?.network_advice_code) ?? nonEmpty(outcome?.network_advice_code),
    networkDeclineCode: nonEmpty(error?.network_decline_code) ?? nonEmpty(outcome?.network_decline_code),
  });
}

function hasPaymentMethod(subscription: Stripe.Subscription): boolean {
  if (idOf(subscription.default_payment_method) !== undefined || subscription.default_source) return true;
  const customer = customerOf(subscription);
  return idOf(customer?.invoice_settings.default_payment_method) !== undefined || Boolean(customer?.default_source);
}

function endReasonOf({ cancellation_details: details }: Stripe.Subscription): string | undefined {
  return details?.comment === ENDED_UNPAID ? 'payment_failed' : (details?.reason ?? undefined);
}

function timeZoneOf(subscription: Stripe.Subscription): string | undefined {
  const zone =
    customerOf(subscription)?.metadata[metadataKeys.timeZone] ?? subscription.metadata[metadataKeys.timeZone];
  return nonEmpty(zone);
}

function customerOf({ customer }: Stripe.Subscription): Stripe.Customer | undefined {
  return typeof customer === 'object' && customer.deleted !== true ? customer : undefined;
}

function at(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

function utc(seconds: number | null | undefined): string | undefined {
  return seconds === null || seconds === undefined ? undefined : at(seconds);
}

function nonEmpty(text: string | null | undefined): string | undefined {
  return text === null || text === undefined || text === '' ? undefined : text;
}

/** Without the members that are undefined. */
function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
