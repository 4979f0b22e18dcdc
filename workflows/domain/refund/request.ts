import type { LineQuantity } from '../order/lines';

/** A request for a refund: an amount, or lines with their share of the tax. Shipping is refunded by amount only. */
export interface RefundRequest {
  readonly refundId: string;
  readonly orderId: string;
  /** Minor units; absent if lines are named. */
  readonly amount?: number;
  /** If given, it must be the order's. */
  readonly currency?: string;
  readonly lines?: readonly LineQuantity[];
  readonly reason: string;
  readonly actor: string;
}

/** Why a refund was refused; nothing was changed. */
export type RefundRefusalReason =
  | 'unknown_order'
  | 'unknown_line'
  | 'exceeds_line' // more pieces than there are left to refund
  | 'exceeds_refundable'
  | 'worth_nothing' // the lines were refunded before, or they are free
  | 'wrong_currency'
  | 'not_a_multiple' // of the smallest amount of the order's currency
  | 'nothing_captured'
  | 'disputed'
  | 'charged_back' // a dispute was lost, and the provider refunds nothing of what is left
  | 'needs_approval'
  | 'refund_id_used'; // the same id with other contents
