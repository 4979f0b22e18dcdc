import { createHash } from 'node:crypto';
import type { Pool } from 'pg';
import { remainingLines, type OrderFacts } from '../../../workflows/domain/order/order';
import { formatMoney } from '../../../workflows/domain/shared/money';
import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import { isGivenBack } from '../../../workflows/domain/order/order';
import { owedFor, paidAhead } from '../../../workflows/domain/order/owed';
import { shipmentAmount } from '../../../workflows/domain/order/shipment-amount';
import { refuseDelivery, stopShipping, type RefusalCause } from '../../../workflows/domain/order/shipping-rules';
import type { OrderActivities, RequestPaymentInput } from '../../../workflows/order/ports';
import type { ShipmentRefused, ShipmentStopped } from '../../../workflows/payment/ports';
import type { Keyring } from '../../crypto';
import { transact, type Transaction } from '../postgres/database';
import { abandonCapture } from '../payments/capture';
import { reopenHold } from '../payments/end-hold';
import { closeLostDisputes, decideException, raiseException, resolveException } from '../exceptions/exceptions';
import { defect, notFound } from '../postgres/failures';
import { readOrder } from './record';
import { lockKnownOrder, OrderStep } from './step';
import { placeOrder, withdrawOrder } from './place-order';
import { applyShipment, closeStopExceptions, completeDelivery, completeShipping, refuseParcelRecord } from './shipping';
import { statement } from '../postgres/statements';
import { findShortage, releaseStock, reserveAtWarehouse, reserveStock, type StockQuantity } from '../inventory/stock';

const sql = {
  find: statement('operation-find'),
  undo: statement('operation-undo'),
  release: statement('stock-release'),
  reservations: statement('reservations-of'),
};

export interface OrderStoreDeps {
  readonly pool: Pool;
  readonly keyring: Keyring;
  /** The page on which a customer renews a payment, for the event that asks for it. */
  readonly paymentLink?: (orderId: string) => string;
  /** Default: the system's clock. */
  readonly now?: () => Date;
}

type Input<Name extends keyof OrderActivities> = Parameters<OrderActivities[Name]>[0];

/** The activities on orders and stock. Each is one transaction that includes its events and its audit entry. */
export function createOrderStore(deps: OrderStoreDeps): OrderActivities {
  const { pool, keyring } = deps;
  const now = deps.now ?? (() => new Date());
  return {
    reserveStock: (input) => reserveStock(pool, now(), input),
    releaseStock: ({ orderId }) => releaseStock(pool, now(), orderId),
    findShortage: ({ lines }) => findShortage(pool, lines),
    placeOrder: (input) => placeOrder(pool, keyring, now(), input),
    withdrawOrder: ({ orderId }) => withdrawOrder(pool, now(), orderId),
    allocateOrder: ({ orderId }) => allocateOrder(pool, now(), orderId),
    recordShipment: (input) => recordShipment(pool, now(), input),
    recordDelivery: (input) => recordDelivery(pool, now(), input),
    cancelOrder: (input) => cancelOrder(pool, now(), input),
    warnOfHold: ({ orderId }) => warnOfHold(pool, now(), orderId),
    requestPayment: (input) => requestPayment(pool, now(), input, deps.paymentLink?.(input.orderId)),
    raiseException: (input) => raiseException(pool, now(), input),
    abandonCapture: (input) => abandonCapture(pool, now(), input),
    reopenHold: ({ orderId }) => reopenHold(pool, now(), orderId),
    decideException: (input) => decideException(pool, now(), input),
    resolveException: (input) => resolveException(pool, now(), input),
  };
}

/** Answers with the order as it stands; one that was placed without being allocated is allocated first. */
async function allocateOrder(pool: Pool, now: Date, orderId: string): Promise<OrderFacts> {
  const known = await readOrder(pool, orderId);
  if (known === undefined) throw notFound(`order ${orderId}`);
  if (known.facts.state !== 'placed') return known.facts;
  const operationKey = operationKeys.allocate(orderId);
  return transact(pool, async (tx) => {
    const [record, [operation], reserved] = await Promise.all([
      lockKnownOrder(tx, orderId),
      tx.query<{ done: boolean }>(sql.find, [operationKey]),
      tx.query<StockQuantity>(sql.reservations, [orderId]),
    ]);
    const { facts } = record;
    if (operation?.done === true || facts.state !== 'placed') return facts;
    const step = new OrderStep(tx, record, {
      operationKey,
      action: 'allocate',
      actor: 'order',
      nowIso: now.toISOString(),
    });
    step.moveTo('allocated');
    step.emit('OrderAllocated', { lines: reserved });
    return step.finish({ kind: 'allocate' });
  });
}

async function recordShipment(
  pool: Pool,
  now: Date,
  { orderId, shipment }: Input<'recordShipment'>,
): Promise<OrderFacts | ShipmentStopped | ShipmentRefused> {
  const operationKey = operationKeys.ship(orderId, shipment.shipmentId);
  return transact(pool, async (tx) => {
    const [record, [operation]] = await Promise.all([
      lockKnownOrder(tx, orderId),
      tx.query<{ done: boolean }>(sql.find, [operationKey]),
    ]);
    const { facts } = record;
    if (operation?.done === true) return facts;
    if (stopShipping(facts) !== undefined) return { outcome: 'stopped', facts };
    const amount = shipmentAmount(facts, shipment.lines);
    const cause = { operationKey, action: 'ship', actor: 'warehouse', nowIso: now.toISOString() };
    const refused =
      refuseParcelRecord(facts, shipment) ??
      refuseUnpaid(facts, owedFor(facts, shipment.lines)) ??
      (await reserveAtWarehouse(tx, { orderId, ...cause }, shipment));
    if (refused !== undefined) return { outcome: 'refused', facts, cause: refused };
    const step = new OrderStep(tx, record, cause);
    const reserved = await tx.query<StockQuantity>(sql.reservations, [orderId]);
    applyShipment(step, tx, reserved, shipment, { amount, at: cause.nowIso });
    if (remainingLines(step.facts).length === 0) endHold(step);
    completeShipping(step, facts.paymentState === 'captured');
    return step.finish({ kind: 'ship' });
  });
}

function refuseUnpaid({ orderId, paymentState }: OrderFacts, owed: number): RefusalCause | undefined {
  if (owed === 0) return undefined;
  return {
    reason: 'outcome_unknown',
    message: `Order ${orderId} is ${paymentState}, so this shipment needs a capture; send the command again.`,
  };
}

/** The last parcel has left and needed no capture: the order's workflow voids what is still held. */
function endHold(step: OrderStep): void {
  if (step.facts.paymentState === 'captured') return;
  step.supersedeHold();
  step.setPayment('captured');
}

/** A short key for several shipments, because an operation key is part of an index; the prefix distinguishes it from a shipment id. */
function manyOf(shipmentIds: readonly string[]): string {
  return `sha256:${createHash('sha256').update(JSON.stringify(shipmentIds)).digest('hex')}`;
}

async function recordDelivery(pool: Pool, now: Date, input: Input<'recordDelivery'>): Promise<OrderFacts> {
  const { orderId, shipmentId, deliveredAt } = input;
  return transact(pool, async (tx) => {
    const record = await lockKnownOrder(tx, orderId);
    const refused = refuseDelivery(record.facts, input);
    if (refused !== undefined && refused.reason !== 'nothing_shipped') throw defect(refused.message);
    const arrived = record.facts.shipments
      .filter((one) => one.deliveredAt === undefined && (shipmentId === undefined || one.shipmentId === shipmentId))
      .map((one) => one.shipmentId);
    if (arrived.length === 0) return record.facts;
    const step = new OrderStep(tx, record, {
      operationKey: operationKeys.deliver(orderId, shipmentId ?? manyOf(arrived)),
      action: 'deliver',
      actor: 'carrier',
      nowIso: now.toISOString(),
    });
    step.deliver(arrived, new Date(deliveredAt).toISOString());
    completeDelivery(step);
    return step.finish();
  });
}

async function cancelOrder(pool: Pool, now: Date, input: Input<'cancelOrder'>): Promise<OrderFacts> {
  const { orderId, reason, actor } = input;
  const operationKey = operationKeys.cancel(orderId);
  return transact(pool, async (tx) => {
    const [record, [operation]] = await Promise.all([
      lockKnownOrder(tx, orderId),
      tx.query<{ done: boolean }>(sql.find, [operationKey]),
    ]);
    if (operation?.done === true) return record.facts;
    const { facts } = record;
    const cancelled = remainingLines(facts);
    assertCancellable(facts, cancelled.length);
    const step = new OrderStep(tx, record, { operationKey, action: 'cancel', actor, nowIso: now.toISOString() });
    step.patch({ lines: facts.lines.map((line) => ({ ...line, cancelled: line.quantity - line.shipped })) });
    const partial = facts.shipments.length > 0;
    step.emit('OrderCancelled', { reason, actor, partial, lines: cancelled });
    if (partial) {
      step.setPayment('captured');
      completeShipping(step, facts.paymentState === 'captured');
    } else {
      step.moveTo('cancelled');
      // Money that was captured and refunded stays `captured`: the ledger shows the refund.
      step.setPayment(facts.amounts.captured > 0 ? 'captured' : 'voided');
      undoReservation(tx, orderId, now);
    }
    tx.write(sql.release, [orderId]);
    closeLostDisputes(step);
    closeStopExceptions(step);
    return step.finish({ kind: 'cancel' });
  });
}

/** Tombstones the reservation, so that a late one is not recorded for the cancelled order. */
function undoReservation(tx: Transaction, orderId: string, now: Date): void {
  tx.write(sql.undo, [operationKeys.reserve(orderId), 'reserve', orderId, now]);
}

function assertCancellable(facts: OrderFacts, remaining: number): void {
  const { orderId, state, hold, currency } = facts;
  if (remaining === 0) throw defect(`order ${orderId} is ${state}: nothing is left to cancel`);
  if (hold !== undefined)
    throw defect(`the hold ${hold.paymentIntentId} of order ${orderId} must be voided before the order is cancelled`);
  const ahead = paidAhead(facts);
  if (ahead > 0 && !isGivenBack(facts)) {
    throw defect(
      `${formatMoney({ amount: ahead, currency })} of order ${orderId} were captured for what has not shipped: refund them first`,
    );
  }
}

async function warnOfHold(pool: Pool, now: Date, orderId: string): Promise<OrderFacts> {
  return transact(pool, async (tx) => {
    const record = await lockKnownOrder(tx, orderId);
    const { hold, holdWarnedAt } = record.facts;
    if (hold === undefined || holdWarnedAt !== undefined) return record.facts;
    const nowIso = now.toISOString();
    const operationKey = `warn:${orderId}:${hold.paymentIntentId}`;
    const step = new OrderStep(tx, record, { operationKey, action: 'warn of hold', actor: 'order', nowIso });
    step.patch({ holdWarnedAt: nowIso });
    const { paymentIntentId, captureBefore, authorizedAmount, capturedAmount } = hold;
    step.emit('HoldExpiring', { paymentIntentId, captureBefore, openAmount: authorizedAmount - capturedAmount });
    return step.finish();
  });
}

async function requestPayment(pool: Pool, now: Date, input: RequestPaymentInput, link?: string): Promise<OrderFacts> {
  const { orderId, reason, paymentIntentId } = input;
  const paymentDeadline = new Date(input.deadline).toISOString();
  return transact(pool, async (tx) => {
    const record = await lockKnownOrder(tx, orderId);
    const { facts } = record;
    if (facts.paymentDeadline === paymentDeadline && facts.pendingPaymentIntentId === paymentIntentId) return facts;
    const operationKey = `request-payment:${orderId}:${paymentDeadline}`;
    const step = new OrderStep(tx, record, {
      operationKey,
      action: 'request payment',
      actor: 'order',
      nowIso: now.toISOString(),
    });
    // With an open hold the order can ship until that hold ends.
    if (facts.hold === undefined) step.setPayment('payment_needed');
    step.patch({ paymentDeadline, pendingPaymentIntentId: paymentIntentId });
    step.emit('PaymentActionRequired', { reason, deadline: paymentDeadline, ...(link !== undefined && { link }) });
    return step.finish();
  });
}
