import type { Decline } from '../payment/declines';
import type { InvoiceFacts, SubscriptionItem } from './subscription';

/** An invoice as the provider shows it. How serious a refusal is, is for the domain to say: see {@link Decline}. */
export type InvoiceSnapshot = Omit<InvoiceFacts, 'declineClass'> & Decline;

/**
 * A subscription as the provider shows it, fetched fresh, in our own words: what its facts are derived from. Times are UTC
 * ISO strings, amounts minor units. No personal data.
 */
export interface SubscriptionSnapshot {
  readonly subscriptionId: string;
  readonly stripeCustomerId: string;
  /** The provider's own word; an open set. */
  readonly providerStatus: string;
  readonly currency: string;
  readonly items: readonly SubscriptionItem[];
  readonly createdAt: string;
  /** The earliest end among its items; absent where it has none. */
  readonly currentPeriodEnd?: string;
  readonly trialEndsAt?: string;
  readonly cancelAtPeriodEnd: boolean;
  /** When it ends by itself, at a period's end or on a date. */
  readonly cancelAt?: string;
  readonly endedAt?: string;
  /** `cancellation_details.reason`: whether dunning ended it, or somebody's wish. */
  readonly endReason?: string;
  /** Collection was paused by hand; the provider's status stays what it was. */
  readonly collectionPaused: boolean;
  /** Something could be charged: its own default method, the customer's, or an old default source. */
  readonly hasPaymentMethod: boolean;
  /** As the customer's metadata names it; not checked. */
  readonly timeZone?: string;
  /** Newest first; the newest few only. */
  readonly invoices: readonly InvoiceSnapshot[];
  /** An invoice of more than nothing was paid at some time. */
  readonly everPaid: boolean;
  /** What a running trial will charge at its end; absent where it charges nothing or nothing was asked. */
  readonly upcomingAmount?: number;
}
