import type { RefundChange, RefundStepInput } from '../../../workflows/refund/ports';

/** A refund as the provider shows it, in our own words. Amounts in minor units, times as UTC ISO strings. */
export interface ProviderRefund {
  readonly providerRefundId: string;
  readonly paymentIntentId: string;
  readonly amount: number;
  readonly currency: string;
  /** A word that is not known here counts as pending: what is true is told by a later look. */
  readonly status: 'pending' | 'requires_action' | 'succeeded' | 'failed' | 'canceled';
  readonly failureReason?: string;
  readonly pendingReason?: string;
  readonly failureBalanceTransaction?: string;
  readonly createdAt: string;
  /** Until when the customer may act. */
  readonly actBefore?: string;
}

export type BeginSendResult =
  | {
      readonly kind: 'send';
      readonly orderId: string;
      readonly operationKey: string;
      readonly paymentIntentId: string;
      readonly amount: number;
      readonly currency: string;
      readonly reason: string;
      /** It was sent before, and what came of it is not recorded. */
      readonly isAgain: boolean;
    }
  /** Nothing is to be sent: it was taken before, given up, or the payment is disputed meanwhile. */
  | { readonly kind: 'done'; readonly change: RefundChange };

/** One part of a refund, and by when it is to be told. */
export interface PartInput extends RefundStepInput {
  readonly part: number;
  readonly watchMs: number;
}
