import type { DeliverCommand, RefusalReason, ShipCommand } from './commands';
import type { FieldProblem } from '../shared/errors';
import { openDispute } from '../dispute/dispute';
import { shipmentId } from '../shared/operation-keys';
import { sameLines } from './lines';
import type { OrderFacts, Shipment } from './order';
import { isRaised, remainingLines } from './order';
import { isTerminal } from './state';
import { owedFor, paidAhead } from './owed';
import { isGivenBack } from './order';
import { remainingAmount } from './shipment-amount';

/** Why a command is refused. */
export interface RefusalCause {
  readonly reason: RefusalReason;
  readonly message: string;
  /** The wrong fields, if they are known. */
  readonly problems?: readonly FieldProblem[];
}

/** The shipment that this command repeats, if any: the same parcel with the same lines, from the same warehouse if the command names one. */
export function sameShipment(facts: OrderFacts, command: ShipCommand): Shipment | undefined {
  const known = facts.shipments.find((one) => one.shipmentId === shipmentId(command.carrier, command.trackingNumber));
  if (known === undefined || !sameLines(known.lines, command.lines)) return undefined;
  return command.warehouseId === undefined || command.warehouseId === known.warehouseId ? known : undefined;
}

/**
 * Why nothing of an order may ship now: the customer's bank decides a dispute, or all its money was refunded. Checked by the workflow
 * and again in the database, which may have a dispute or a refund that the workflow has not seen yet.
 */
export function stopShipping(facts: OrderFacts): RefusalCause | undefined {
  const dispute = openDispute(facts);
  if (dispute !== undefined) {
    return {
      reason: 'disputed',
      message: `Nothing of order ${facts.orderId} may ship while dispute ${dispute.disputeId} is open.`,
    };
  }
  return refuseGivenBack(facts);
}

/** Somebody refunded all of an order's money, which is a decision: nothing more ships, and no hold is requested. */
export function refuseGivenBack(facts: OrderFacts): RefusalCause | undefined {
  if (!isGivenBack(facts)) return undefined;
  return {
    reason: 'refunded',
    message: `All money captured for order ${facts.orderId} has been refunded, so nothing more of it may ship.`,
  };
}

/** Why another payment method cannot help an order; undefined if it can. */
export function refuseRenewal(facts: OrderFacts): RefusalCause | undefined {
  return refuseGivenBack(facts) ?? holdStopped(facts);
}

/** Why a shipment may not leave; undefined if it may. Pure. */
export function refuseShipment(facts: OrderFacts, command: ShipCommand): RefusalCause | undefined {
  if (facts.state === 'cancelled') {
    return { reason: 'order_cancelled', message: `Order ${facts.orderId} is cancelled; nothing of it may ship.` };
  }
  const id = shipmentId(command.carrier, command.trackingNumber);
  if (facts.shipments.some((one) => one.shipmentId === id)) {
    return {
      reason: 'tracking_number_used',
      message: `Tracking number ${command.trackingNumber} was shipped with other lines, or from another warehouse, before.`,
    };
  }
  const remaining = new Map(remainingLines(facts).map((line) => [line.sku, line.quantity]));
  for (const line of command.lines) {
    if (!facts.lines.some((one) => one.sku === line.sku)) {
      return { reason: 'unknown_line', message: `Order ${facts.orderId} has no line ${line.sku}.` };
    }
    const left = remaining.get(line.sku) ?? 0;
    if (line.quantity > left) {
      return {
        reason: 'exceeds_remaining',
        message: `Only ${left} of ${line.sku} are left to ship, not ${line.quantity}.`,
      };
    }
  }
  const stop = stopShipping(facts);
  if (stop !== undefined) return stop;
  if (isRaised(facts, 'hold_cancelled')) return paymentCancelled(facts);
  // A line that costs nothing or is paid for needs no payment.
  if (facts.paymentState === 'payment_needed' && owedFor(facts, command.lines) > 0) {
    return { reason: 'payment_needed', message: 'Shipping is stopped until the customer has renewed the payment.' };
  }
  return owedFor(facts, command.lines) > 0 ? holdStopped(facts) : undefined;
}

/** Why no hold is requested for the rest until a person decides; undefined if there is one, or may be. */
export function holdStopped(facts: OrderFacts): RefusalCause | undefined {
  const { exception, hold, orderId } = facts;
  if (hold !== undefined || !isRaised(facts, 'hold_stopped')) return undefined;
  const message = `No card is held for the rest of order ${orderId} until a person decides on its exception hold_stopped.`;
  return { reason: 'needs_person', message: exception?.kind === 'hold_stopped' ? exception.message : message };
}

/** Somebody cancelled the hold at the provider, which is a decision: shipping stops until a person decides or the customer pays again. */
export function paymentCancelled({ orderId }: OrderFacts): RefusalCause {
  return {
    reason: 'payment_cancelled',
    message: `The card hold of order ${orderId} was cancelled at the payment provider or was lost repeatedly; nothing of the order may ship until a person decides.`,
  };
}

/** Why an order may not be cancelled; undefined if its remaining lines may. */
export function refuseCancel(facts: OrderFacts): RefusalCause | undefined {
  if (isTerminal(facts.state) || facts.state === 'shipped' || remainingLines(facts).length === 0) {
    return {
      reason: 'already_shipped',
      message: `Everything of order ${facts.orderId} has shipped; it needs a return, not a cancel.`,
    };
  }
  const isPaid = facts.paymentState === 'captured' && remainingAmount(facts) > 0;
  if ((isPaid || paidAhead(facts) > 0) && !isGivenBack(facts)) {
    return {
      reason: 'captured_needs_refund',
      message: `Money for unshipped lines of order ${facts.orderId} has been captured; it needs a refund, not a cancel.`,
    };
  }
  return undefined;
}

/** How much the clocks of shops and carriers may differ from ours, in milliseconds. */
export const CLOCK_SKEW_MS = 5 * 60_000;

/** Why a delivery cannot be recorded; undefined if it can. */
export function refuseDelivery(facts: OrderFacts, command: DeliverCommand): RefusalCause | undefined {
  const { shipmentId: id, deliveredAt } = command;
  const { orderId, shipments } = facts;
  if (shipments.length === 0) {
    return { reason: 'nothing_shipped', message: `Nothing of order ${orderId} has shipped.` };
  }
  if (id !== undefined && !shipments.some((one) => one.shipmentId === id)) {
    return {
      reason: 'unknown_shipment',
      message: `Order ${orderId} has no shipment ${id}.`,
      problems: [{ field: 'shipmentId', message: 'is no shipment of this order' }],
    };
  }
  const asked = shipments.filter((one) => (id === undefined ? one.deliveredAt === undefined : one.shipmentId === id));
  // `shippedAt` is by our clock, `deliveredAt` by the carrier's.
  const early = asked.find((one) => Date.parse(deliveredAt) < Date.parse(one.shippedAt) - CLOCK_SKEW_MS);
  if (early === undefined) return undefined;
  return {
    reason: 'delivered_before_shipped',
    message: `Shipment ${early.shipmentId} left at ${early.shippedAt} and cannot have arrived before that.`,
    problems: [{ field: 'deliveredAt', message: `must not be before ${early.shippedAt}, when the shipment left` }],
  };
}
