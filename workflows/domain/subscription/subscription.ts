import type { DunningOutcome, NoticeKind, QuietHours } from '../notice/notices';
import type { DeclineClass } from '../payment/declines';

/** Stripe's status of a subscription. An open set: unknown statuses are stored and shown, and cause no action. */
export type ProviderSubscriptionStatus =
  'incomplete' | 'incomplete_expired' | 'trialing' | 'active' | 'past_due' | 'canceled' | 'unpaid' | 'paused';

/**
 * The stage of a subscription. Derived from freshly fetched objects, never from the order of events.
 * - `trialing`: nothing is owed yet.
 * - `active`: paid; `trial` shows whether it ever had a trial.
 * - `trial_payment_failed`: the trial has ended and its FIRST payment failed: the customer has never paid.
 * - `past_due`: a renewal failed after at least one payment; tries continue, or have ended (`exhausted`).
 * - `unpaid`: the tries are over and the provider stopped collecting.
 * - `paused`: no invoices are made (a trial that ended without a payment method, or by hand).
 * - `incomplete`: the first payment without a trial is under way or failed; `incomplete_expired` after 23 h.
 */
export type SubscriptionStage =
  | 'incomplete'
  | 'incomplete_expired'
  | 'trialing'
  | 'trial_payment_failed'
  | 'active'
  | 'past_due'
  | 'unpaid'
  | 'paused'
  | 'canceled';

/** The state of a trial. `converting`: it has ended, and its first payment is neither made nor refused yet. */
export type TrialState = 'never' | 'running' | 'converting' | 'converted' | 'conversion_failed' | 'ended_unconverted';

export interface SubscriptionItem {
  readonly itemId: string;
  readonly priceId: string;
  readonly productName: string;
  /** Minor units per piece and period. */
  readonly unitAmount: number;
  readonly quantity: number;
  readonly interval: 'day' | 'week' | 'month' | 'year';
  readonly intervalCount: number;
}

/** A fetched invoice. Amounts in minor units. */
export interface InvoiceFacts {
  readonly invoiceId: string;
  readonly status: 'draft' | 'open' | 'paid' | 'uncollectible' | 'void';
  readonly billingReason: string;
  readonly amountDue: number;
  readonly amountPaid: number;
  readonly currency: string;
  /** Counts the first try and the automatic retries; after a hard decline it increases without tries. */
  readonly attemptCount: number;
  /** Its absence means that the tries are exhausted only in a fresh fetch after the provider had time to plan one. */
  readonly nextAttemptAt?: string;
  readonly createdAt: string;
  /** When the newest try failed. */
  readonly failedAt?: string;
  readonly declineCode?: string;
  readonly declineClass?: DeclineClass;
  readonly hostedUrl?: string;
  /** Sum of proration lines, credits negative. */
  readonly prorationAmount: number;
}

/** A notice that was sent or waits to be sent, not cancelled or expired. Its key contains the invoice and the try. */
export interface QueuedNotice {
  readonly noticeKey: string;
  readonly kind: NoticeKind;
  /** When it was queued, by the clock of the one that queued it. UTC ISO string. */
  readonly at: string;
}

/** Everything that decisions about a subscription depend on. */
export interface SubscriptionFacts {
  readonly subscriptionId: string;
  readonly stripeCustomerId: string;
  /** The provider's own status, even if it is unknown to us. */
  readonly providerStatus: string;
  readonly stage: SubscriptionStage;
  readonly trial: TrialState;
  readonly currency: string;
  readonly items: readonly SubscriptionItem[];
  readonly currentPeriodEnd?: string;
  readonly trialEndsAt?: string;
  readonly cancelAtPeriodEnd: boolean;
  readonly endedAt?: string;
  /** Why it ended, in the provider's words: `payment_failed`, `cancellation_requested`, `payment_disputed`. */
  readonly endReason?: string;
  /** The shop has paused the collection: invoices are made but not collected, and the service continues. */
  readonly collectionPaused?: boolean;
  /** When it was first seen in this stage; absent if that was not recorded. */
  readonly stageSince?: string;
  readonly hasPaymentMethod: boolean;
  /** The open invoice that is being collected, else the newest one. */
  readonly invoice?: InvoiceFacts;
  /** What a running trial will charge at its end. Absent if nothing, or if it was not fetched. */
  readonly upcomingAmount?: number;
  /** The provider had time to plan a further try and has planned none. */
  readonly exhausted: boolean;
  readonly entitled: boolean;
  /** IANA zone of the customer. */
  readonly timeZone: string;
  /** The notices about this subscription during the life of its invoice, oldest first. */
  readonly told: readonly QueuedNotice[];
  readonly fetchedAt: string;
}

/** What a shop decides for its subscriptions. Durations in milliseconds. */
export interface DunningPolicy {
  /** No notice is sent for this long after a failure, because an early retry may succeed. */
  readonly graceMs: number;
  /** The shortest time between two failure notices of one invoice, except for the last one before the final try. */
  readonly spacingMs: number;
  /** The number of tries configured at the provider (Stripe's default: 8 within two weeks), which the API does not show. */
  readonly maxAttempts: number;
  readonly retrySpanMs: number;
  /** The last notice is sent this long before the final try. */
  readonly lastNoticeMs: number;
  /** How long the provider gets after a failed try to plan the next one. */
  readonly planningMs: number;
  /** How long after a planned try we look at its result, because providers are late. */
  readonly settlingMs: number;
  /** A period's invoice is finalized and first tried this long after the period's end. */
  readonly finalizationMs: number;
  /** What the provider does after the last try; a setting at the provider that the API does not show. */
  readonly providerOutcome: DunningOutcome;
  /** `trial_ending` is sent this long before the trial's end. */
  readonly trialNoticeMs: number;
  /** `provider`: the provider's setting applies. `cancel`: Holdfast cancels a subscription that the provider left past due. */
  readonly onExhausted: 'provider' | 'cancel';
  readonly quietHours: Pick<QuietHours, 'from' | 'to'>;
  /** Used if the customer's own time zone is not known. */
  readonly defaultTimeZone: string;
  /** The shop's page to add a payment method, with `{subscriptionId}` in it. Default: the provider's page of the invoice. */
  readonly payLink?: string;
}
