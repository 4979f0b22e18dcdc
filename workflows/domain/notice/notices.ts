import type { Money } from '../shared/money';
import type { DeclineClass } from '../payment/declines';

/**
 * Notices: messages to a customer or to the shop's own people. A notice is queued in the transaction that makes it true, sent once
 * by a relay, and cancelled if it becomes untrue while it still waits.
 */

/** Kinds of notices; each has its own template. */
export const NOTICE_KINDS = [
  'order_confirmed',
  'order_shipped', // one for each parcel
  'order_delivered', // the last parcel has arrived
  'order_cancelled', // the whole order, or what was left of it
  'payment_needed', // the hold could not be renewed: the customer pays anew by a date, or the order is cancelled
  'refund_on_its_way',
  'refund_done',
  'refund_action_needed', // the bank needs something of the customer before the refund can go on
  'refund_delayed', // a refund that was announced has failed: the shop takes care of it
  'trial_ending',
  'trial_payment_failed', // the trial has ended and its first payment failed
  'payment_failed', // soft decline: the bank is asked again on a date
  'card_needed', // hard decline, or authentication: only the customer can resolve it
  'payment_last_try', // before the final try
  'payment_recovered', // only if one of the failure notices was sent
  'subscription_ended', // dunning is over
  'subscription_paused',
  // to the shop
  'hold_expiring',
  'exception_opened', // for kinds of exceptions without their own notice
  'dispute_opened',
  'dispute_evidence_due',
  'dispute_closed',
  'fraud_warning',
  'refund_needs_a_person',
  'settlement_differs',
] as const;

export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** What a notice is about. */
export type NoticeSubjectType = 'order' | 'refund' | 'dispute' | 'subscription' | 'settlement' | 'exception';

/** Who gets the notice. Addresses are looked up when it is sent and are never part of it. */
export type NoticeRecipient =
  | { readonly to: 'order_customer'; readonly orderId: string }
  | { readonly to: 'provider_customer'; readonly stripeCustomerId: string }
  | { readonly to: 'shop' };

/** Hours of the day in which no notice is sent. May span midnight; equal times mean no quiet hours. */
export interface QuietHours {
  /** IANA name, e.g. `Europe/Berlin`. */
  readonly timeZone: string;
  /** `HH:MM`. */
  readonly from: string;
  /** `HH:MM`, exclusive. */
  readonly to: string;
}

/** What a template may show. Money as `{amount, currency}`, times as UTC ISO strings. No personal data, no secrets. */
export type NoticeData = Readonly<Record<string, string | number | boolean | null | Money>>;

/** The status of a subscription after dunning, in the provider's words. */
export type DunningOutcome = 'canceled' | 'unpaid' | 'past_due';

/** The data of a notice about a failed payment. `payLink` is absent if there is no page to pay on. */
type FailedPayment = {
  readonly amount: Money;
  readonly productName: string;
  readonly declineCode?: string;
  readonly payLink?: string;
};

/** Lines of an order, one a line: `2 × SKU`. */
type Items = string;

type RefundNotice = { readonly amount: Money; readonly orderId: string };

/** Without an `orderId` if the payment belongs to no order. */
type DisputeNotice = { readonly disputeId: string; readonly orderId?: string; readonly amount: Money };

/**
 * The data of each kind of notice. A template may use only these names; times are UTC ISO strings. Type aliases, because an
 * interface would not be assignable to {@link NoticeData}.
 */
export type NoticePayloads = {
  /** `paidAtOnce`: the card is charged now, not with each parcel. */
  order_confirmed: {
    readonly orderId: string;
    readonly total: Money;
    readonly items: Items;
    readonly paidAtOnce: boolean;
  };
  order_shipped: {
    readonly orderId: string;
    readonly carrier: string;
    readonly trackingNumber: string;
    readonly items: Items;
  };
  order_delivered: { readonly orderId: string };
  /** `items`: what is cancelled. `unpaid`: because the payment was not renewed in time. */
  order_cancelled: {
    readonly orderId: string;
    readonly items: Items;
    readonly isPartial: boolean;
    readonly unpaid: boolean;
  };
  /** `amount`: what is left to pay; `link`: where. */
  payment_needed: {
    readonly orderId: string;
    readonly amount: Money;
    readonly deadline: string;
    readonly link?: string;
  };
  /** `plan`: what the policy does with the hold before it ends. */
  hold_expiring: {
    readonly orderId: string;
    readonly amount: Money;
    readonly captureBefore: string;
    readonly plan: string;
  };
  /** Written by the trigger on exceptions. `about`: e.g. `order ord_1`; `message`: what is at risk and what to do next. */
  exception_opened: {
    readonly exception: string;
    readonly owner: string;
    readonly about: string;
    readonly message: string;
    readonly amountAtRisk?: Money;
  };
  /** `reason` is read by the customer: no internal note. */
  /** `isLastToday`: further refunds of the order are not announced that day. */
  refund_on_its_way: RefundNotice & { readonly reason?: string; readonly isLastToday?: boolean };
  refund_done: RefundNotice & { readonly isLastToday?: boolean };
  /** `link`: the page on which the customer acts; `until`: when it expires. */
  refund_action_needed: RefundNotice & { readonly link?: string; readonly until?: string };
  refund_delayed: RefundNotice;
  /** `amount` is absent if nothing will be charged. `payLink`: the page to add a payment method. */
  trial_ending: {
    readonly productName: string;
    readonly trialEndsAt: string;
    readonly amount?: Money;
    readonly hasPaymentMethod: boolean;
    readonly payLink?: string;
  };
  /** `nextTryAt` only if the payment is tried again automatically. */
  trial_payment_failed: FailedPayment & {
    readonly reason: DeclineClass;
    readonly nextTryAt?: string;
    readonly triesLeft?: number;
  };
  /** `triesLeft`: the number of tries left, the next one included. */
  payment_failed: FailedPayment & { readonly nextTryAt: string; readonly triesLeft: number };
  /** `until`: when the subscription ends without a new card, if that is known. */
  card_needed: FailedPayment & { readonly reason: 'hard' | 'authentication'; readonly until?: string };
  payment_last_try: FailedPayment & { readonly lastTryAt: string; readonly outcome: DunningOutcome };
  payment_recovered: { readonly amount: Money; readonly productName: string };
  /** `payLink`: the page to subscribe again or to pay. */
  subscription_ended: { readonly productName: string; readonly outcome: DunningOutcome; readonly payLink?: string };
  subscription_paused: { readonly productName: string; readonly resumeLink?: string };
  dispute_opened: DisputeNotice & { readonly reason: string; readonly dueBy?: string; readonly isInquiry: boolean };
  dispute_evidence_due: DisputeNotice & { readonly dueBy: string; readonly hoursLeft: number };
  /** `won`, `lost`, `warning_closed`, or what the provider calls it. */
  dispute_closed: DisputeNotice & { readonly outcome: string };
  fraud_warning: {
    readonly warningId: string;
    readonly orderId?: string;
    readonly amount: Money;
    readonly fraudType: string;
  };
  /** `problem`: a sentence; `waysOut`: one a line. */
  refund_needs_a_person: RefundNotice & {
    readonly refundId: string;
    readonly problem: string;
    readonly waysOut: string;
  };
  /** `date` as YYYY-MM-DD; `amount`: the differences' sum without their signs. */
  settlement_differs: { readonly date: string; readonly differences: number; readonly amount?: Money };
};

/** A notice that is to be sent. */
export interface NoticeOf<Kind extends NoticeKind> {
  /** Queuing a notice again under its key does nothing. */
  readonly noticeKey: string;
  readonly kind: Kind;
  readonly subject: { readonly type: NoticeSubjectType; readonly id: string; readonly orderId?: string };
  readonly recipient: NoticeRecipient;
  readonly data: Readonly<NoticePayloads[Kind]>;
  /**
   * The time at which it was queued, by the clock of the one that queued it; a notice is queued when it is due. That clock may be a
   * simulated one, so a relay never compares it with its own but only adds the time that has passed. UTC ISO string.
   */
  readonly dueAt: string;
  /** After this time the notice is no longer true, e.g. the date of a retry: it is dropped, not sent late. By the clock of `dueAt`. */
  readonly expiresAt?: string;
  readonly quietHours?: QuietHours;
}

/** A notice of any kind, with the data of its kind. */
export type Notice = { readonly [Kind in NoticeKind]: NoticeOf<Kind> }[NoticeKind];

/** The status of a notice. */
export type NoticeStatus =
  | 'queued'
  | 'sending'
  | 'sent'
  | 'canceled' // it became untrue before it was sent
  | 'expired'
  /** It was handed over and the answer is unknown. Not sent again automatically, because sending twice is worse. */
  | 'in_doubt'
  | 'failed'; // permanently refused, e.g. no such mailbox

/** A notice as it is shown to people, without an address. */
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
  /** Since when it is no longer true, if that is known: it is not sent again. */
  readonly overtakenAt?: string;
  /** The last request of a person to send it again. */
  readonly askedAgain?: { readonly at: string; readonly by: string };
}

/** The answer to a person's request to send a notice again. */
export type SendNoticeAgainAnswer =
  | { readonly accepted: true; readonly notice: NoticeView }
  | { readonly accepted: false; readonly reason: 'unknown_notice' }
  /** Only notices that failed or are in doubt can be sent again. */
  | { readonly accepted: false; readonly reason: 'not_in_doubt'; readonly status: NoticeStatus }
  /** It is no longer true, e.g. because a payment has succeeded or a deadline has passed. */
  | { readonly accepted: false; readonly reason: 'no_longer_true' };
