import type { ExceptionKind } from './exception';

/** Checks of money, stock and orders that may be broken while a failed step is a person's to resolve. */
export type ExcusableCheck =
  | 'hold_without_order'
  | 'holds_at_once' // more than one hold of an order
  | 'hold_differs' // the provider holds another amount than the ledger has
  | 'order_without_money'
  | 'captured_without_shipment'
  | 'reservations_differ'
  | 'unfinished_without_owner'
  | 'operation_unfinished'
  | 'attempt_unfinished'
  | 'refund_differs'; // the provider refunded another amount than the ledger has

/**
 * The checks that an open exception of each kind excuses: those that its own failure breaks, and no others. An order with a fraud
 * warning must still have correct stock.
 */
const EXCUSES: Readonly<Record<ExceptionKind, readonly ExcusableCheck[]>> = {
  void_failed: ['hold_without_order', 'holds_at_once', 'hold_differs', 'attempt_unfinished'],
  release_failed: ['reservations_differ'],
  // The hold and the stock stay until it is known whether there is an order.
  withdraw_failed: ['hold_without_order', 'hold_differs', 'reservations_differ', 'attempt_unfinished'],
  // Nothing happens to the order: holds that end meanwhile are not recorded.
  order_unreadable: ['order_without_money', 'hold_differs', 'unfinished_without_owner', 'operation_unfinished'],
  // It is unknown whether the parcel was captured and shipped.
  capture_unknown: [
    'captured_without_shipment',
    'order_without_money',
    'hold_differs',
    'unfinished_without_owner',
    'operation_unfinished',
  ],
  // Nothing was captured and the hold is open: only the order's own deadline may pass.
  capture_refused: ['unfinished_without_owner'],
  reauthorization_unknown: [
    'holds_at_once',
    'hold_differs',
    'order_without_money',
    'unfinished_without_owner',
    'attempt_unfinished',
  ],
  // The hold may end while a person thinks.
  hold_decision: ['order_without_money', 'hold_differs', 'unfinished_without_owner'],
  // There is no hold until a person decides.
  hold_cancelled: ['order_without_money', 'hold_differs', 'unfinished_without_owner'],
  hold_stopped: ['order_without_money', 'hold_differs', 'unfinished_without_owner'],
  // A cancel was interrupted: hold, stock and captures may each be in either state.
  cancel_unknown: [
    'hold_without_order',
    'holds_at_once',
    'hold_differs',
    'order_without_money',
    'captured_without_shipment',
    'reservations_differ',
    'unfinished_without_owner',
    'operation_unfinished',
  ],
  external_capture: ['captured_without_shipment', 'order_without_money', 'hold_differs', 'unfinished_without_owner'],
  // The failed step may have been the one that requests a hold or voids a replaced one.
  step_failed: ['order_without_money', 'holds_at_once', 'unfinished_without_owner'],
  shipment_overdue: ['unfinished_without_owner'],
  delivery_overdue: ['unfinished_without_owner'],
  refund_failed: [],
  refund_action_needed: [],
  // A refund that waits for a capture's outcome becomes overdue before it counts as refunded.
  refund_overdue: ['captured_without_shipment'],
  refund_unknown: [],
  refund_mismatch: ['refund_differs'],
  dispute_evidence_due: ['unfinished_without_owner'],
  dispute_unsettled: ['unfinished_without_owner'],
  // Lines are left to ship or cancel.
  dispute_lost: ['unfinished_without_owner'],
  fraud_warning: [],
  subscription_unreadable: [],
  settlement_difference: [],
};

/** Does an open exception of this kind excuse this check? False for an unknown kind. */
export function excuses(kind: string, check: ExcusableCheck): boolean {
  return Object.hasOwn(EXCUSES, kind) && EXCUSES[kind as ExceptionKind].includes(check);
}

/** Every kind with what it excuses, for a database to join with. */
export const EXCUSE_PAIRS: readonly { readonly kind: string; readonly check: ExcusableCheck }[] = Object.entries(
  EXCUSES,
).flatMap(([kind, checks]) => checks.map((check) => ({ kind, check })));

/** Open exceptions of orders, to find out whether one of them excuses a check. */
export class Excuses {
  constructor(private readonly open: readonly { readonly orderId: string; readonly kind: string }[]) {}

  has(orderId: string, check: ExcusableCheck): boolean {
    return this.open.some((one) => one.orderId === orderId && excuses(one.kind, check));
  }
}
