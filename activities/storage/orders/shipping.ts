import { isTerminal } from '../../../workflows/domain/order/state';
import { remainingLines, type OrderFacts, type Shipment } from '../../../workflows/domain/order/order';
import { type ExceptionKind } from '../../../workflows/domain/exception/exception';
import { type LineQuantity } from '../../../workflows/domain/order/lines';
import { paidAhead } from '../../../workflows/domain/order/owed';
import type { RefusalCause } from '../../../workflows/domain/order/shipping-rules';
import { workflowIds } from '../../../workflows/kit/names';
import type { ShipmentRecord } from '../../../workflows/payment/ports';
import type { Transaction } from '../postgres/database';
import { closeExceptions, closeLostDisputes } from '../exceptions/exceptions';
import { defect } from '../postgres/failures';
import type { OrderStep } from './step';
import { statement } from '../postgres/statements';
import { mergeLines, type StockQuantity } from '../inventory/stock';

const sql = { consume: statement('stock-consume') };

/** Why these lines cannot ship now; undefined if they can. */
export function shipmentProblem(facts: OrderFacts, lines: readonly LineQuantity[]): string | undefined {
  const remaining = new Map(remainingLines(facts).map((line) => [line.sku, line.quantity]));
  if (lines.length === 0) return `a shipment of order ${facts.orderId} has no lines`;
  for (const { sku, quantity } of mergeLines(lines)) {
    const left = remaining.get(sku) ?? 0;
    if (quantity < 1 || quantity > left) {
      return `order ${facts.orderId} has ${left} pieces of ${sku} left to ship, not ${quantity}`;
    }
  }
  return undefined;
}

/** Why a parcel could not be recorded; undefined if it could. `reserveAtWarehouse` checks its warehouse. */
export function refuseParcelRecord(
  facts: OrderFacts,
  { shipmentId, lines, trackingNumber }: ShipmentRecord,
): RefusalCause | undefined {
  const { orderId } = facts;
  if (isTerminal(facts.state)) return { reason: 'order_cancelled', message: `Order ${orderId} is ${facts.state}.` };
  if (facts.shipments.some((one) => one.shipmentId === shipmentId)) {
    const message = `Tracking number ${trackingNumber} was already shipped with other lines.`;
    return { reason: 'tracking_number_used', message };
  }
  const problem = shipmentProblem(facts, lines);
  return problem === undefined ? undefined : { reason: 'exceeds_remaining', message: `${problem}.` };
}

/** Adds a shipment to a step and removes its pieces from the reserved stock. */
export function applyShipment(
  step: OrderStep,
  tx: Transaction,
  reserved: readonly StockQuantity[],
  shipment: ShipmentRecord,
  money: { readonly amount: number; readonly at: string },
): void {
  const lines = mergeLines(shipment.lines);
  const picked = pickStock(lines, reserved, shipment.warehouseId);
  tx.write(sql.consume, [step.facts.orderId, JSON.stringify(picked)]);
  const { shipmentId, carrier, trackingNumber } = shipment;
  const warehouseId = shipment.warehouseId ?? onlyWarehouse(picked);
  const parcel: Shipment = {
    shipmentId,
    lines,
    carrier,
    trackingNumber,
    ...(warehouseId !== undefined && { warehouseId }),
    amount: money.amount,
    shippedAt: money.at,
  };
  step.ship(parcel);
}

/** The warehouse in which all pieces of a parcel were reserved; undefined if there are several. */
function onlyWarehouse(picked: readonly StockQuantity[]): string | undefined {
  const [first, ...others] = new Set(picked.map((one) => one.warehouseId));
  return others.length === 0 ? first : undefined;
}

/**
 * Moves an order of which nothing is left to ship through `paid` and `fulfilled` to `shipped`, with the event of each state, and
 * on to `delivered` if all its parcels have arrived.
 */
export function completeShipping(step: OrderStep, paidBefore: boolean): void {
  if (remainingLines(step.facts).length > 0) return;
  closeLostDisputes(step);
  closeStopExceptions(step);
  if (step.facts.state !== 'paid') {
    step.moveTo('paid');
    if (!paidBefore) step.emit('OrderPaid', { captured: step.facts.amounts.captured, currency: step.facts.currency });
  }
  step.moveTo('fulfilled');
  step.emit('OrderFulfilled', { shipments: step.facts.shipments.map((one) => one.shipmentId) });
  step.moveTo('shipped');
  step.emit('OrderShipped', {
    shipments: step.facts.shipments.map(({ shipmentId, carrier, trackingNumber }) => ({
      shipmentId,
      carrier,
      trackingNumber,
    })),
  });
  completeDelivery(step);
}

/** Closes the exceptions that have no purpose once nothing is left to ship: decisions on the hold, and on money captured ahead if it paid for parcels. */
export function closeStopExceptions(step: OrderStep): void {
  const kinds: ExceptionKind[] = [
    'hold_decision',
    'hold_cancelled',
    'hold_stopped',
    'capture_refused',
    'shipment_overdue',
  ];
  if (paidAhead(step.facts) === 0) kinds.push('external_capture');
  closeExceptions(step.tx, step, workflowIds.order(step.facts.orderId), kinds);
}

/** Moves a shipped order to `delivered` once the last parcel has arrived. */
export function completeDelivery(step: OrderStep): void {
  const { state, shipments } = step.facts;
  if (state !== 'shipped' || shipments.some((one) => one.deliveredAt === undefined)) return;
  step.moveTo('delivered');
  step.emit('OrderDelivered', { shipments: shipments.map((one) => one.shipmentId) });
}

/** The reserved pieces that a shipment uses, those of its own warehouse first. */
export function pickStock(
  lines: readonly LineQuantity[],
  reserved: readonly StockQuantity[],
  warehouseId: string | undefined,
): StockQuantity[] {
  return lines.flatMap(({ sku, quantity }) => {
    const own = reserved
      .filter((one) => one.sku === sku)
      .sort((one, other) => Number(other.warehouseId === warehouseId) - Number(one.warehouseId === warehouseId));
    const picked: StockQuantity[] = [];
    let missing = quantity;
    for (const one of own) {
      const pieces = Math.min(missing, one.quantity);
      if (pieces > 0) picked.push({ sku, warehouseId: one.warehouseId, quantity: pieces });
      missing -= pieces;
    }
    if (missing > 0) throw defect(`${missing} pieces of ${sku} were shipped without being reserved`);
    return picked;
  });
}
