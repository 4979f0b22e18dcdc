import type Stripe from 'stripe';
import type { ClockTimer } from '../state/clock';

// The SDK's own types, with references narrowed to ids: the store never holds an expanded object.
type RefundReferences = 'balance_transaction' | 'charge' | 'customer' | 'payment_intent' | 'payment_method' | 'status';
export type Refund = Omit<Stripe.Refund, RefundReferences | 'failure_balance_transaction' | 'metadata'> & {
  balance_transaction: string | null;
  charge: string;
  customer: string | null;
  failure_balance_transaction?: string;
  metadata: Record<string, string>;
  payment_intent: string;
  payment_method: string | null;
  status: RefundStatus;
};
export type RefundStatus = 'pending' | 'requires_action' | 'succeeded' | 'failed' | 'canceled';

/** https://docs.stripe.com/api/refunds/object#refund_object-failure_reason */
export type RefundFailureReason =
  | 'charge_for_pending_refund_disputed'
  | 'declined'
  | 'expired_or_canceled_card'
  | 'insufficient_funds'
  | 'lost_or_stolen_card'
  | 'merchant_request'
  | 'unknown';

/** A refund with its planned outcome. */
export interface StoredRefund {
  readonly id: string;
  readonly object: Refund;
  next: { readonly atMs: number; readonly to: FinalRefundStatus; readonly failureReason: RefundFailureReason } | null;
  timer: ClockTimer | undefined;
}
export type FinalRefundStatus = 'succeeded' | 'failed' | 'canceled';

export type BalanceTransaction = Omit<Stripe.BalanceTransaction, 'source'> & { source: string | null };

export type Dispute = Omit<
  Stripe.Dispute,
  'balance_transactions' | 'charge' | 'evidence' | 'payment_intent' | 'status'
> & {
  balance_transactions: BalanceTransaction[];
  charge: string;
  evidence: Evidence;
  payment_intent: string;
  status: DisputeStatus;
};
export type DisputeStatus =
  | 'needs_response'
  | 'under_review'
  | 'won'
  | 'lost'
  | 'warning_needs_response'
  | 'warning_under_review'
  | 'warning_closed';
export type DisputeOutcome = 'won' | 'lost' | 'warning_closed';
export type Evidence = Record<string, string | null | Record<string, never>>;

export interface DisputeSpec {
  /** An `inquiry` withdraws no money. */
  kind?: 'dispute' | 'inquiry';
  /** One of Stripe's reasons: https://docs.stripe.com/disputes/categories */
  reason?: string;
  /** Minor units; by default what was captured and is not refunded, or all that was captured where nothing is left. */
  amount?: number;
  /** How long there is for evidence, in milliseconds of the simulator's clock. */
  dueInMs?: number;
}

/** A dispute with its decision and its next automatic step. */
export interface StoredDispute {
  readonly id: string;
  readonly object: Dispute;
  /** What a control decided for the review; null leaves it to the evidence. */
  decided: DisputeOutcome | null;
  /** When the bank last got the evidence, in seconds since the epoch. */
  reviewedSince: number | null;
  next: { readonly atMs: number; readonly what: DisputeStep } | null;
  timer: ClockTimer | undefined;
}
/** `overdue`: the deadline for evidence passes; `escalated`: the bank makes a dispute of an inquiry. */
export type DisputeStep = 'overdue' | 'escalated' | DisputeOutcome;

export type EarlyFraudWarning = Omit<Stripe.Radar.EarlyFraudWarning, 'charge' | 'payment_intent'> & {
  charge: string;
  payment_intent: string;
};
