import type { Decline } from '../payment/declines';
import type { InvoiceFacts, SubscriptionItem } from './subscription';

/** An invoice as the provider shows it, with the codes of a refusal instead of its class. */
export type InvoiceSnapshot = Omit<InvoiceFacts, 'declineClass'> & Decline;

/**
 * A freshly fetched subscription of the provider, from which its facts are derived. Times are UTC ISO strings, amounts minor units. No
 * personal data.
 */
export interface SubscriptionSnapshot {
  readonly subscriptionId: string;
  readonly stripeCustomerId: string;
  /** The provider's own status; an open set. */
  readonly providerStatus: string;
  readonly currency: string;
  readonly items: readonly SubscriptionItem[];
  readonly createdAt: string;
  /** The earliest end among its items; absent if there is none. */
  readonly currentPeriodEnd?: string;
  readonly trialEndsAt?: string;
  readonly cancelAtPeriodEnd: boolean;
  /** When it is scheduled to end, at a period's end or on a date. */
  readonly cancelAt?: string;
  readonly endedAt?: string;
  /** `cancellation_details.reason`: whether dunning or somebody's request ended it. */
  readonly endReason?: string;
  /** Was the collection paused by hand? The provider's status does not change with it. */
  readonly collectionPaused: boolean;
  /** Is there something to charge: its own default method, the customer's, or an old default source? */
  readonly hasPaymentMethod: boolean;
  /** From the customer's metadata; not validated. */
  readonly timeZone?: string;
  /** Newest first; the newest few only. */
  readonly invoices: readonly InvoiceSnapshot[];
  /** Was any invoice of more than 0 ever paid? */
  readonly everPaid: boolean;
  /** What a running trial will charge at its end; absent if nothing, or if it was not fetched. */
  readonly upcomingAmount?: number;
}
