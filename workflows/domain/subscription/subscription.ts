import type { DunningOutcome, NoticeKind, QuietHours } from '../notice/notices';
import type { DeclineClass } from '../payment/declines';

/** Stripe's own word for a subscription. Open set: what is unknown here is kept and shown, and nothing is done about it. */
export type ProviderSubscriptionStatus =
  'incomplete' | 'incomplete_expired' | 'trialing' | 'active' | 'past_due' | 'canceled' | 'unpaid' | 'paused';

/**
 * Where a subscription stands. Derived from objects fetched fresh, never from the order of events.
 * - `trialing`: nothing is owed yet.
 * - `active`: paid; `trial` tells whether it ever was on a trial.
 * - `trial_payment_failed`: the trial has ended and its FIRST payment failed: nobody has ever paid.
 * - `past_due`: a renewal failed after at least one payment; tries go on, or were left so at their end (`exhausted`).
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

/** What became of a trial. `converting`: it has ended, and its first payment is neither made nor refused yet. */
export type TrialState = 'never' | 'running' | 'converting' | 'converted' | 'conversion_failed' | 'ended_unconverted';

export interface SubscriptionItem {
  readonly itemId: string;
  readonly priceId: string;
  readonly productName: string;
  /** Minor units for one piece and period. */
  readonly unitAmount: number;
  readonly quantity: number;
  readonly interval: 'day' | 'week' | 'month' | 'year';
  readonly intervalCount: number;
}

/** An invoice as it was fetched. Amounts in minor units. */
export interface InvoiceFacts {
  readonly invoiceId: string;
  readonly status: 'draft' | 'open' | 'paid' | 'uncollectible' | 'void';
  readonly billingReason: string;
  readonly amountDue: number;
  readonly amountPaid: number;
  readonly currency: string;
  /** The first try and the automatic retries; goes on counting after a hard decline without a try being made. */
  readonly attemptCount: number;
  /** Null in an event does not mean exhausted: only a fresh fetch does, after the provider had time to plan. */
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

/** A notice that was said or waits to be sent; taken back and expired ones are none. Its key tells the invoice and the try. */
export interface QueuedNotice {
  readonly noticeKey: string;
  readonly kind: NoticeKind;
  /** When it was queued, by the clock of who queued it. UTC ISO string. */
  readonly at: string;
}

/** Everything that is decided on about a subscription. */
export interface SubscriptionFacts {
  readonly subscriptionId: string;
  readonly stripeCustomerId: string;
  /** As the provider writes it, also where it is unknown to us. */
  readonly providerStatus: string;
  readonly stage: SubscriptionStage;
  readonly trial: TrialState;
  readonly currency: string;
  readonly items: readonly SubscriptionItem[];
  readonly currentPeriodEnd?: string;
  readonly trialEndsAt?: string;
  readonly cancelAtPeriodEnd: boolean;
  readonly endedAt?: string;
  /** Why it ended, in the provider's word: `payment_failed`, `cancellation_requested`, `payment_disputed`. */
  readonly endReason?: string;
  /** Invoices are made and not collected for a time, by the shop's wish; the service goes on. */
  readonly collectionPaused?: boolean;
  /** When it was first seen in this stage; absent where that was not noted. */
  readonly stageSince?: string;
  readonly hasPaymentMethod: boolean;
  /** The open invoice that is being collected, else the newest one. */
  readonly invoice?: InvoiceFacts;
  /** What a running trial will charge at its end. Absent where nothing would be charged, or nothing was asked. */
  readonly upcomingAmount?: number;
  /** The provider has no further try planned and had time to plan one. */
  readonly exhausted: boolean;
  readonly entitled: boolean;
  /** IANA zone of the customer. */
  readonly timeZone: string;
  /** Everything told of this subscription within the life of its invoice, oldest first. */
  readonly told: readonly QueuedNotice[];
  readonly fetchedAt: string;
}

/** What a shop decides for its subscriptions. Durations in milliseconds. */
export interface DunningPolicy {
  /** Nothing is said in the first moments of a failure: an early retry may heal it. */
  readonly graceMs: number;
  /** No two failure notices of one invoice closer than this, the last one before the final try excepted. */
  readonly spacingMs: number;
  /** Tries in all that the provider is set to (Stripe's default: 8 within two weeks); it cannot be asked. */
  readonly maxAttempts: number;
  readonly retrySpanMs: number;
  /** The last notice goes out this long before the final try. */
  readonly lastNoticeMs: number;
  /** How long after a failed try an absent next try means that there is none. */
  readonly planningMs: number;
  /** A planned try is looked at this long after its time: providers are late, and a result must be readable. */
  readonly settlingMs: number;
  /** A period's invoice is finalized and first tried this long after the period's end. */
  readonly finalizationMs: number;
  /** What the provider does after the last try; like `maxAttempts` it is a setting there that cannot be asked. */
  readonly providerOutcome: DunningOutcome;
  /** `trial_ending` goes out this long before the trial's end. */
  readonly trialNoticeMs: number;
  /** `provider`: what the provider is set to do is followed. `cancel`: it is canceled here where it was left past due. */
  readonly onExhausted: 'provider' | 'cancel';
  readonly quietHours: Pick<QuietHours, 'from' | 'to'>;
  /** Where the customer's own is not known. */
  readonly defaultTimeZone: string;
  /** The shop's page where a payment method is given, with `{subscriptionId}` in it; else the provider's page of the invoice. */
  readonly payLink?: string;
}
