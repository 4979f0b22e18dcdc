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
  /** Who asks, for the audit log: an id, no name. */
  readonly actor: string;
}

export interface DeliverCommand {
  /** Absent: every parcel under way has arrived. */
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
  /** The payment provider did not take the money, and the hold stands. A person has a case; sent again, it is asked again. */
  | 'payment_refused'
  | 'outcome_unknown'
  | 'no_payment_needed'
  | 'disputed'
  | 'refunded'
  | 'nothing_to_decide'
  | 'nothing_to_resolve'
  | 'action_not_possible'
  /** An exception has an owner: a mistake of Holdfast itself, money taken for what it could not record, or a rest that no card can be held for. */
  | 'needs_person';

/** The answer to a command: what the order is like now, or why nothing was changed. */
export type CommandAnswer<Done> = ({ readonly accepted: true } & Done) | Refusal;

export interface Refusal {
  readonly accepted: false;
  readonly reason: RefusalReason;
  readonly message: string;
  /** The fields of the command that are at fault, where it is known. */
  readonly problems?: readonly FieldProblem[];
}
