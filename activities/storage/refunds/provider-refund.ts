import type { RefundChange, RefundStepInput } from '../../../workflows/refund/ports';

/** A refund of the provider. Amounts in minor units, times as UTC ISO strings. */
export interface ProviderRefund {
  readonly providerRefundId: string;
  readonly paymentIntentId: string;
  readonly amount: number;
  readonly currency: string;
  /** An unknown status counts as pending; a later look finds out more. */
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
      /** Was it sent before without a recorded outcome? */
      readonly isAgain: boolean;
    }
  /** Nothing needs to be sent: it was accepted before, given up, or the payment is disputed. */
  | { readonly kind: 'done'; readonly change: RefundChange };

/** One part of a refund. `watchMs`: how long its success is watched. */
export interface PartInput extends RefundStepInput {
  readonly part: number;
  readonly watchMs: number;
}
