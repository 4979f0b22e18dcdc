import type { LineQuantity } from './lines';
import type { FieldProblem } from '../shared/errors';

export interface ShipCommand {
  readonly lines: readonly LineQuantity[];
  readonly carrier: string;
  readonly trackingNumber: string;
  readonly warehouseId?: string;
}

export interface CancelCommand {
  readonly reason: string;
  /** Who cancels, for the audit log: an id, not a name. */
  readonly actor: string;
}

export interface DeliverCommand {
  /** Absent: all parcels under way have arrived. */
  readonly shipmentId?: string;
  readonly deliveredAt: string;
}

/** Why a command was refused; nothing was changed. */
export type RefusalReason =
  | 'unknown_order'
  | 'unknown_warehouse'
  | 'not_in_warehouse'
  | 'unknown_line'
  | 'exceeds_remaining'
  | 'tracking_number_used'
  | 'unknown_shipment'
  | 'delivered_before_shipped'
  | 'order_cancelled'
  | 'already_shipped'
  | 'nothing_shipped'
  | 'captured_needs_refund'
  | 'payment_needed'
  | 'payment_cancelled'
  /** The payment provider refused the capture, and the hold is still open. An exception is open; sending the command again tries again. */
  | 'payment_refused'
  | 'outcome_unknown'
  | 'no_payment_needed'
  | 'disputed'
  | 'refunded'
  | 'nothing_to_decide'
  | 'nothing_to_resolve'
  | 'action_not_possible'
  /** A person must act on an exception: a defect of Holdfast, money captured for something that could not be recorded, or a rest for which no card can be held. */
  | 'needs_person';

/** The answer to a command: the changed order, or why nothing was changed. */
export type CommandAnswer<Done> = ({ readonly accepted: true } & Done) | Refusal;

export interface Refusal {
  readonly accepted: false;
  readonly reason: RefusalReason;
  readonly message: string;
  /** The wrong fields of the command, if they are known. */
  readonly problems?: readonly FieldProblem[];
}
