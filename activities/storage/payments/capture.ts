import type { Pool } from 'pg';
import { remainingLines, type OrderFacts } from '../../../workflows/domain/order/order';
import { sameLines, type LineQuantity } from '../../../workflows/domain/order/lines';
import { failureTypes, PROGRAM_ERRORS } from '../../../workflows/domain/shared/errors';
import { formatMoney } from '../../../workflows/domain/shared/money';
import { captureKey } from '../../../workflows/domain/shared/operation-keys';
import { isTerminal } from '../../../workflows/domain/order/state';
import { owedAmount, owedFor } from '../../../workflows/domain/order/owed';
import { shipmentAmount } from '../../../workflows/domain/order/shipment-amount';
import { stopShipping, type RefusalCause } from '../../../workflows/domain/order/shipping-rules';
import { workflowIds } from '../../../workflows/kit/names';
import type { CapturePaymentInput } from '../../../workflows/payment/ports';
import { openAmount, type AttemptRow } from './attempts';
import { AttemptStep, onAttempts, type AttemptContext } from './attempt-step';
import { attemptSummary, writeEntry } from '../audit/audit';
import { addException } from '../exceptions/exceptions';
import { notFound, operationUndone } from '../postgres/failures';
import type { OrderStep } from '../orders/step';
import type { BeginCaptureResult, CaptureOutcome } from './store';
import { movement, raiseExternalCapture } from './record-attempt';
import { applyShipment, completeShipping, refuseParcelRecord, shipmentProblem } from '../orders/shipping';
import { statement } from '../postgres/statements';
import { mergeLines, reserveAtWarehouse, type StockQuantity } from '../inventory/stock';

const sql = {
  find: statement('operation-find'),
  begin: statement('capture-begin'),
  abandon: statement('captures-abandon'),
  reservations: statement('reservations-of'),
};

const CAPTURE_ACTOR = 'warehouse';

interface Operation {
  readonly done: boolean;
  readonly undone: boolean;
  readonly detail: { readonly lines?: readonly LineQuantity[]; readonly warehouseId?: string } | null;
}

/** Checks a capture against what remains and what is held, and records that it is under way. */
export async function beginCapture(pool: Pool, now: Date, input: CapturePaymentInput): Promise<BeginCaptureResult> {
  const key = captureKey(input);
  return onAttempts(pool, input.orderId, async (context) => {
    const { record, tx } = context;
    if (record === undefined) throw notFound(`order ${input.orderId}`);
    const row = attemptOf(context, input);
    const [operation] = await tx.query<Operation>(sql.find, [key]);
    if (operation?.done === true) return { kind: 'recorded', facts: record.facts };
    if (operation?.undone === true || row.tombstoned) throw operationUndone(key);
    if (isTerminal(record.facts.state)) throw operationUndone(key);
    // The last check before the provider is called. A capture under way skips it, because its money may have been captured already.
    if (operation === undefined) {
      const facts = record.facts;
      if (input.shipment !== undefined && stopShipping(facts) !== undefined) return { kind: 'stopped', facts };
      // Somebody else may have captured money since the workflow looked; the workflow then asks for what is owed now.
      if (input.amount > owed(facts, input)) return { kind: 'changed', facts };
      const cause = await refuseCapture(context, facts, row, input, now);
      if (cause !== undefined) return { kind: 'refused', facts, cause };
    } else {
      const cause = refuseOtherContents(operation, input);
      if (cause !== undefined) return { kind: 'refused', facts: record.facts, cause };
    }
    tx.write(sql.begin, beginValues(input, key, row, now));
    const begunBefore = operation !== undefined;
    return { kind: 'begun', begunBefore, ...(row.multicapture === true && { knownAmount: row.capturedAmount }) };
  });
}

/**
 * A lost workflow task may have begun a capture that the workflow does not remember. The same parcel with other contents must not
 * use the key of that capture, whose money may have been captured already.
 */
function refuseOtherContents({ detail }: Operation, { shipment }: CapturePaymentInput): RefusalCause | undefined {
  if (shipment === undefined || detail?.lines === undefined) return undefined;
  const { lines, warehouseId, trackingNumber } = shipment;
  if (sameLines(detail.lines, mergeLines(lines)) && detail.warehouseId === warehouseId) return undefined;
  const message = `Tracking number ${trackingNumber} is being shipped with other contents; send those contents again first.`;
  return { reason: 'tracking_number_used', message };
}

function owed(facts: OrderFacts, { shipment }: CapturePaymentInput): number {
  return shipment === undefined ? owedAmount(facts) : owedFor(facts, shipment.lines);
}

/** See `PaymentStore.abandonCapture`. */
export async function abandonCapture(
  pool: Pool,
  now: Date,
  { orderId, paymentIntentId }: { readonly orderId: string; readonly paymentIntentId: string },
): Promise<OrderFacts> {
  return onAttempts(pool, orderId, ({ record, tx, pendingCaptures }) => {
    if (record === undefined) throw notFound(`order ${orderId}`);
    const captures = pendingCaptures.filter((one) => one.paymentIntentId === paymentIntentId);
    if (captures.length === 0) return record.facts;
    tx.write(sql.abandon, [orderId, paymentIntentId]);
    const operationKey = `abandon:${paymentIntentId}`;
    const cause = { operationKey, action: 'abandon capture', actor: 'payment provider', nowIso: now.toISOString() };
    writeEntry(tx, orderId, cause, { captures }, { captures: [] });
    return record.facts;
  });
}

function beginValues(input: CapturePaymentInput, key: string, row: AttemptRow, now: Date): unknown[] {
  const { orderId, paymentIntentId, amount, final, shipment } = input;
  const { warehouseId } = shipment ?? {};
  const capture = {
    ...{ amount, final },
    ...(shipment && { lines: mergeLines(shipment.lines), ...(warehouseId !== undefined && { warehouseId }) }),
  };
  const under = { ...capture, ...(shipment && { shipmentId: shipment.shipmentId, lines: shipment.lines }) };
  const before = attemptSummary(row);
  return [
    key,
    orderId,
    paymentIntentId,
    JSON.stringify(capture),
    now,
    CAPTURE_ACTOR,
    JSON.stringify(before),
    JSON.stringify({ ...before, capture: under }),
  ];
}

/**
 * Records a capture: money, shipment, stock, states and events together. Safe to repeat. The money has been captured in any case:
 * if the parcel cannot be recorded, the money is booked alone and an exception is opened.
 */
export async function recordCapture(
  pool: Pool,
  now: Date,
  input: CapturePaymentInput,
  outcome: CaptureOutcome,
): Promise<OrderFacts> {
  try {
    return await record(pool, now, input, outcome, undefined);
  } catch (error) {
    if (!isDefect(error)) throw error;
    return record(pool, now, input, outcome, `their purpose could not be recorded (${error.message})`);
  }
}

function isDefect(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return ('type' in error && error.type === failureTypes.defect) || PROGRAM_ERRORS.includes(error.name);
}

async function record(
  pool: Pool,
  now: Date,
  input: CapturePaymentInput,
  outcome: CaptureOutcome,
  failed: string | undefined,
): Promise<OrderFacts> {
  const key = captureKey(input);
  return onAttempts(pool, input.orderId, async (context) => {
    const { record, tx } = context;
    if (record === undefined) throw notFound(`order ${input.orderId}`);
    const [[operation], reserved] = await Promise.all([
      tx.query<Operation>(sql.find, [key]),
      tx.query<StockQuantity>(sql.reservations, [input.orderId]),
    ]);
    if (operation?.done === true) return record.facts;
    const row = attemptOf(context, input);
    const cause = { operationKey: key, action: 'capture', actor: CAPTURE_ACTOR, nowIso: now.toISOString() };
    const step = new AttemptStep(context, row, cause);
    const order = step.order;
    if (order === undefined) throw notFound(`order ${input.orderId}`);
    const paidBefore = record.facts.paymentState === 'captured';
    const external = takeMoney(step, order, input, outcome);
    if (external > 0) raiseExternalCapture(context, step, input.paymentIntentId, external);
    const problem = failed ?? parcelProblem(record.facts, input);
    if (problem !== undefined) bookMoneyAlone(context, order, input, problem);
    else recordParcel(context, order, input, outcome, { reserved, paidBefore });
    return order.finish({ kind: 'capture', paymentIntentId: input.paymentIntentId });
  });
}

function attemptOf({ attempts }: AttemptContext, { orderId, paymentIntentId }: CapturePaymentInput): AttemptRow {
  const row = attempts.findLast((one) => one.paymentIntentId === paymentIntentId);
  if (row === undefined) throw notFound(`${paymentIntentId} of order ${orderId}`);
  return row;
}

/**
 * Checks before the money is captured what its record will need: the lines, the warehouse and its stock, and a hold that covers
 * it. The order may have changed since the command was accepted.
 */
async function refuseCapture(
  { tx }: AttemptContext,
  facts: OrderFacts,
  row: AttemptRow,
  input: CapturePaymentInput,
  now: Date,
): Promise<RefusalCause | undefined> {
  const { orderId, shipment } = input;
  // A hold that is recorded as gone is not refused here: the provider's answer decides.
  const uncovered = row.status === 'authorized' ? refuseUncovered(facts, row, input) : undefined;
  if (shipment === undefined) return uncovered;
  const cause = { operationKey: captureKey(input), action: 'capture', actor: CAPTURE_ACTOR, nowIso: now.toISOString() };
  return refuseParcelRecord(facts, shipment) ?? uncovered ?? reserveAtWarehouse(tx, { orderId, ...cause }, shipment);
}

function refuseUncovered(
  facts: OrderFacts,
  row: AttemptRow,
  { amount, final, shipment }: CapturePaymentInput,
): RefusalCause | undefined {
  const open = openAmount(row);
  const { orderId, currency } = facts;
  const refuse = (what: string): RefusalCause => {
    return {
      reason: 'outcome_unknown',
      message: `${what}; the order has changed a moment ago, so send the command again.`,
    };
  };
  if (!Number.isSafeInteger(amount) || amount < 1 || amount > open) {
    return refuse(`${open} ${currency} are held for order ${orderId}, and ${amount} cannot be captured`);
  }
  const shipped = mergeLines(shipment?.lines ?? []);
  const all = remainingLines(facts).every((line) =>
    shipped.some((one) => one.sku === line.sku && one.quantity === line.quantity),
  );
  if ((all || shipment === undefined) && !final && amount < open) {
    return refuse(`The last capture of order ${orderId} must release the ${open - amount} ${currency} that it leaves`);
  }
  return undefined;
}

/** Books the money. The last capture of a PaymentIntent releases the rest of its hold. Returns what somebody else captured from it. */
function takeMoney(step: AttemptStep, order: OrderStep, input: CapturePaymentInput, outcome: CaptureOutcome): number {
  const { row } = step;
  const { paymentIntentId } = input;
  const open = openAmount(row);
  const { capturedAmount, receivedAmount = 0, at } = outcome;
  // Captured by somebody else between our look at the hold and our capture.
  const external = Math.max(0, Math.min(open, receivedAmount - row.capturedAmount) - capturedAmount);
  const released = input.final ? open - capturedAmount - external : outcome.releasedAmount;
  const closes = capturedAmount + external + released >= open;
  step.change({ status: closes ? 'captured' : row.status });
  step.move([
    movement(row, 'captured', paymentIntentId, capturedAmount, at, step.key),
    movement(row, 'captured', paymentIntentId, external, at, `external:${paymentIntentId}:${receivedAmount}`),
    movement(row, 'released', paymentIntentId, released, at, step.key),
  ]);
  if (closes && step.isCurrent) order.dropHold();
  const { shipment } = input;
  order.emit('PaymentCaptured', {
    paymentIntentId,
    amount: capturedAmount,
    released,
    currency: order.facts.currency,
    ...(shipment && { shipmentId: shipment.shipmentId, lines: shipment.lines }),
  });
  return external;
}

/** Why the parcel of a capture cannot be recorded; undefined if it can. The order may have changed since the capture began. */
function parcelProblem(facts: OrderFacts, { shipment }: CapturePaymentInput): string | undefined {
  if (isTerminal(facts.state)) return `order ${facts.orderId} is ${facts.state}`;
  return shipment && shipmentProblem(facts, shipment.lines);
}

function recordParcel(
  context: AttemptContext,
  order: OrderStep,
  { shipment }: CapturePaymentInput,
  { at }: CaptureOutcome,
  { reserved, paidBefore }: { readonly reserved: readonly StockQuantity[]; readonly paidBefore: boolean },
): void {
  if (shipment !== undefined) {
    const amount = shipmentAmount(order.facts, shipment.lines);
    applyShipment(order, context.tx, reserved, shipment, { amount, at });
  }
  // Only lines that cost nothing may be left to ship.
  const settled = shipment === undefined || owedAmount(order.facts) === 0;
  if (!paidBefore) order.setPayment(settled ? 'captured' : 'partially_captured');
  if (shipment !== undefined) return completeShipping(order, paidBefore);
  if (order.facts.state === 'paid') return;
  order.moveTo('paid');
  order.emit('OrderPaid', { captured: order.facts.amounts.captured, currency: order.facts.currency });
}

/** Books money whose parcel cannot be recorded: it counts towards what the order owes, and an exception names the parcel. */
function bookMoneyAlone(context: AttemptContext, order: OrderStep, input: CapturePaymentInput, problem: string): void {
  const { state, paymentState } = order.facts;
  if (!isTerminal(state) && paymentState !== 'captured') {
    const isPaid = owedAmount(order.facts) === 0;
    order.setPayment(isPaid ? 'captured' : 'partially_captured');
    if (isPaid && (state === 'placed' || state === 'allocated')) {
      order.moveTo('paid');
      order.emit('OrderPaid', { captured: order.facts.amounts.captured, currency: order.facts.currency });
    }
  }
  const { orderId, amount, paymentIntentId, shipment } = input;
  const { currency } = order.facts;
  const parcel = shipment === undefined ? '' : ` for parcel ${shipment.trackingNumber}`;
  addException(context.tx, order, {
    orderId,
    workflowId: workflowIds.order(orderId),
    kind: 'external_capture',
    message: `${formatMoney({ amount, currency })} of ${paymentIntentId} were captured${parcel}, but ${problem}: send a corrected shipment, or refund them`,
    owner: 'payments',
    amountAtRisk: { amount, currency },
  });
}
