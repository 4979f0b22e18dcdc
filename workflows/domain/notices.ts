/**
 * Notices: what is said to a customer or to the shop's own people. A notice is queued in the transaction that makes it true,
 * sent once by a relay, and taken back while it still waits where it is not true any more.
 */

/** Kinds of notices; each has a template of its own. */
export type NoticeKind =
  | 'refund_on_its_way'
  | 'refund_done'
  | 'refund_action_needed' // the bank needs something of the customer before the refund can go on
  | 'refund_delayed' // a refund that was told as done came back: the shop is on it
  | 'trial_ending'
  | 'trial_payment_failed' // the trial has ended and its first payment failed
  | 'payment_failed' // soft decline: the bank is asked again on a date
  | 'card_needed' // hard decline, or authentication: only the customer can mend it
  | 'payment_last_try' // before the final try
  | 'payment_recovered' // only where one of the failure notices went out
  | 'subscription_ended' // dunning is over
  | 'subscription_paused'
  // to the shop
  | 'dispute_opened'
  | 'dispute_evidence_due'
  | 'dispute_closed'
  | 'fraud_warning'
  | 'refund_needs_a_person'
  | 'settlement_differs';

/** Whose notice it is. */
export type NoticeSubjectType = 'order' | 'refund' | 'dispute' | 'subscription' | 'settlement';

/** Who is told; addresses are looked up when the notice is sent and are never part of it. */
export type NoticeRecipient =
  | { readonly to: 'order_customer'; readonly orderId: string }
  | { readonly to: 'provider_customer'; readonly stripeCustomerId: string }
  | { readonly to: 'shop' };

/** Hours of the day in which nobody is told anything. May span midnight; equal times mean none. */
export interface QuietHours {
  /** IANA name, e.g. `Europe/Berlin`. */
  readonly timeZone: string;
  /** `HH:MM`. */
  readonly from: string;
  /** `HH:MM`, not quiet any more. */
  readonly to: string;
}

/** What a template may show. Money as `{amount, currency}`, times as UTC ISO strings. No personal data, no secrets. */
export type NoticeData = Readonly<
  Record<string, string | number | boolean | null | { readonly amount: number; readonly currency: string }>
>;

/** A notice that is to be sent. */
export interface Notice {
  /** Told again under the same key it is the same notice. */
  readonly noticeKey: string;
  readonly kind: NoticeKind;
  readonly subject: { readonly type: NoticeSubjectType; readonly id: string; readonly orderId?: string };
  readonly recipient: NoticeRecipient;
  readonly data: NoticeData;
  /** Not before this. UTC ISO string. */
  readonly dueAt: string;
  /** What it says is wrong after this, e.g. the date of a retry: it is dropped, not sent late. */
  readonly expiresAt?: string;
  readonly quietHours?: QuietHours;
}

/** What became of a notice. */
export type NoticeStatus =
  | 'queued'
  | 'sending'
  | 'sent'
  | 'canceled' // it was not true any more before it was sent
  | 'expired'
  /** Handed over, and the process ended before it knew: not sent again, since twice is worse than a line in a list. */
  | 'in_doubt'
  | 'failed'; // refused for good, e.g. no such mailbox

/** A notice as people see it: no address. */
export interface NoticeView {
  readonly noticeKey: string;
  readonly kind: NoticeKind;
  readonly subject: Notice['subject'];
  readonly status: NoticeStatus;
  readonly channels: readonly string[];
  readonly dueAt: string;
  readonly sentAt?: string;
  readonly attempts: number;
  readonly lastError?: string;
}
