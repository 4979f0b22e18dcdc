import type { LineQuantity } from './domain/order';
import type { RefundFacts, RefundPolicy, RefundResolution } from './domain/refund';

/** What is asked to be given back: an amount, or shipped lines with their share of the tax. */
export interface RefundRequest {
  readonly refundId: string;
  readonly orderId: string;
  /** Minor units; absent where lines are named. */
  readonly amount?: number;
  /** Where it is given it must be the order's. */
  readonly currency?: string;
  readonly lines?: readonly LineQuantity[];
  readonly reason: string;
  readonly actor: string;
}

/** Why nothing is refunded; nothing was changed. */
export type RefundRefusalReason =
  | 'unknown_order'
  | 'unknown_line'
  | 'exceeds_line' // more pieces than there are left to refund
  | 'exceeds_refundable'
  | 'wrong_currency'
  | 'nothing_captured'
  | 'disputed'
  | 'needs_approval'
  | 'refund_id_used'; // the same id with another content

export interface BeginRefundInput {
  readonly request: RefundRequest;
  readonly policy: RefundPolicy;
  /** The workflow's clock. UTC ISO string. */
  readonly now: string;
}

export type BeginRefundResult =
  /** Recorded and reserved: no other refund can promise the same money. Told again, the same answer. */
  | { readonly outcome: 'begun'; readonly refund: RefundFacts }
  /** Recorded as `waiting`: whether a capture of the order was made is not known yet. */
  | { readonly outcome: 'capture_unsettled'; readonly refund: RefundFacts }
  | {
      readonly outcome: 'refused';
      readonly reason: RefundRefusalReason;
      readonly message: string;
      /** Minor units that could be refunded now. */
      readonly refundable: number;
      /** `nothing_captured`: minor units that are only held; letting them go is a cancel, not a refund. */
      readonly held?: number;
    };

/** Called as local activities: one short transaction each, with ledger, events, notices and audit in it. */
export interface RefundActivities {
  beginRefund(input: BeginRefundInput): Promise<BeginRefundResult>;
  /** Adopts a refund that was made at the provider without us. */
  adoptRefund(input: { readonly providerRefundId: string; readonly now: string }): Promise<RefundFacts | null>;
  /** Gives a refund up of which nothing is at the provider (waiting, or disputed meanwhile). */
  withdrawRefund(input: {
    readonly refundId: string;
    readonly reason: string;
    readonly now: string;
  }): Promise<RefundFacts>;
  /** A person's settlement of what failed. */
  resolveRefund(input: { readonly refundId: string; readonly resolution: RefundResolution }): Promise<RefundFacts>;
}

/** Called as regular activities (local-first where a caller waits). */
export interface RefundProviderActivities {
  /** Asks the provider for one part and records its answer. A refusal is recorded as `failed` with the reason. */
  sendRefund(input: { readonly refundId: string; readonly part: number; readonly now: string }): Promise<RefundFacts>;
  /** Fetches all parts fresh and records what is new: the second way beside webhooks. */
  syncRefund(input: { readonly refundId: string; readonly now: string }): Promise<RefundFacts>;
  /** Cancels what the provider lets be canceled (requires_action), e.g. since the payment is disputed now. */
  cancelRefund(input: {
    readonly refundId: string;
    readonly reason: string;
    readonly now: string;
  }): Promise<RefundFacts>;
}
