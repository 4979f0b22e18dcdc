import type { LineQuantity } from '../order/lines';

/** What is asked to be given back: an amount, or lines with their share of the tax. Shipping is refunded by amount only. */
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
  | 'worth_nothing' // what the lines cost was given back before, or they are free
  | 'wrong_currency'
  | 'not_a_multiple' // of what the order's currency has as its smallest unit
  | 'nothing_captured'
  | 'disputed'
  | 'charged_back' // a dispute was lost, and the provider refunds nothing of what it left
  | 'needs_approval'
  | 'refund_id_used'; // the same id with another content
