import { DEFAULT_DUNNING_POLICY } from '../../../workflows/domain/dunning/policy';
import type { DunningPolicy, SubscriptionItem } from '../../../workflows/domain/subscription/subscription';
import type { InvoiceSnapshot, SubscriptionSnapshot } from '../../../workflows/domain/subscription/snapshot';
import { uniqueName } from '../environment';

/** Quiet hours would move notices by up to a night; tests that are not about them have none. */
export const LOUD_POLICY: DunningPolicy = { ...DEFAULT_DUNNING_POLICY, quietHours: { from: '00:00', to: '00:00' } };

/** One piece of a plan, for a month at 12.00. */
export function itemOf(changes: Partial<SubscriptionItem> = {}): SubscriptionItem {
  return {
    itemId: 'si_1',
    priceId: 'price_basic',
    productName: 'Basic',
    unitAmount: 1_200,
    quantity: 1,
    interval: 'month',
    intervalCount: 1,
    ...changes,
  };
}

/** A paid invoice of 12.00. */
export function invoiceOf(changes: Partial<InvoiceSnapshot> = {}): InvoiceSnapshot {
  const amountDue = changes.amountDue ?? 1_200;
  const status = changes.status ?? 'paid';
  return {
    invoiceId: uniqueName('in'),
    status,
    billingReason: 'subscription_cycle',
    amountDue,
    amountPaid: status === 'paid' ? amountDue : 0,
    currency: 'eur',
    attemptCount: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
    prorationAmount: 0,
    ...changes,
  };
}

/** An active monthly subscription without a trial whose first month is paid. */
export function snapshotOf(changes: Partial<SubscriptionSnapshot> = {}): SubscriptionSnapshot {
  return {
    subscriptionId: uniqueName('sub'),
    stripeCustomerId: 'cus_1',
    providerStatus: 'active',
    currency: 'eur',
    items: [itemOf()],
    createdAt: '2026-01-01T00:00:00.000Z',
    currentPeriodEnd: '2026-02-01T00:00:00.000Z',
    cancelAtPeriodEnd: false,
    collectionPaused: false,
    hasPaymentMethod: true,
    invoices: [invoiceOf({ billingReason: 'subscription_create' })],
    everPaid: true,
    ...changes,
  };
}
