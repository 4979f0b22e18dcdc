import type { OrderEventType } from '../../../workflows/domain/shared/events';
import type { DisputeFacts } from '../../../workflows/domain/dispute/dispute';
import { type Hold, type OrderAmounts, type OrderFacts, type Shipment } from '../../../workflows/domain/order/order';
import { type OrderLine } from '../../../workflows/domain/order/lines';
import {
  canPaymentTransition,
  canTransition,
  type OrderState,
  type PaymentState,
} from '../../../workflows/domain/order/state';
import type { RefundFacts } from '../../../workflows/domain/refund/refund';
import { iso } from '../../../workflows/domain/shared/deadlines';
import { owedAmount } from '../../../workflows/domain/order/owed';
import { waitingFor } from '../../../workflows/domain/shared/waiting';
import { writeAudit, type StepCause } from '../audit/audit';
import type { Transaction } from '../postgres/database';
import { defect, notFound } from '../postgres/failures';
import {
  exceptionOf,
  orderLoad,
  orderRecord,
  unlessZero,
  type OpenException,
  type OrderRecord,
  type OrderRow,
} from './record';
import { writeOrderNotices } from './notices';
import { statement } from '../postgres/statements';

const sql = {
  lock: statement('order-lock'),
  update: statement('order-update'),
  lines: statement('lines-update'),
  shipment: statement('shipment-insert'),
  delivered: statement('shipments-delivered'),
  ledger: statement('ledger-insert'),
  outbox: statement('outbox-insert'),
  done: statement('operation-done'),
};

/** Kinds of ledger entries; the migrations define each. */
export type LedgerKind =
  | 'authorized'
  | 'captured'
  | 'released'
  | 'refund_pending'
  | 'refunded'
  | 'refund_failed'
  | 'refund_reversed'
  | 'refunded_outside'
  | 'dispute_withdrawn'
  | 'dispute_reinstated';

/** A movement of money on one attempt. The operation key makes it unique among those of its kind. */
export interface LedgerMovement {
  readonly kind: LedgerKind;
  readonly attempt: number;
  readonly paymentIntentId: string;
  readonly amount: number;
  readonly occurredAt: string;
  readonly operationKey: string;
}

/** Locks an order and reads it. Queries sent in the same tick share the round trip. */
export async function lockOrder(tx: Transaction, orderId: string): Promise<OrderRecord | undefined> {
  const [, [row]] = await Promise.all([tx.query(sql.lock, [orderId]), tx.query<OrderRow>(orderLoad, [orderId])]);
  return row && orderRecord(row.record);
}

/** Like lockOrder. @throws ApplicationFailure `NotFound` */
export async function lockKnownOrder(tx: Transaction, orderId: string): Promise<OrderRecord> {
  const record = await lockOrder(tx, orderId);
  if (record === undefined) throw notFound(`order ${orderId}`);
  return record;
}

/**
 * One business step on one order. It changes the facts in memory, checks them against the transition tables, and writes them in
 * `finish`, together with the outbox and the audit log. `finish` returns the same facts as a fresh read.
 */
export class OrderStep {
  facts: OrderFacts;
  private holdAttempt: number | null;
  private readonly events: { type: OrderEventType; data: Record<string, unknown> }[] = [];
  private openExceptions: readonly OpenException[];

  constructor(
    readonly tx: Transaction,
    private readonly record: OrderRecord,
    readonly cause: StepCause,
  ) {
    this.facts = record.facts;
    this.holdAttempt = record.holdAttempt;
    this.openExceptions = record.openExceptions;
  }

  /** The attempt whose hold is open, if one is. */
  get currentAttempt(): number | null {
    return this.holdAttempt;
  }

  /** @throws ApplicationFailure `Defect` if the table has no such transition */
  moveTo(state: OrderState): void {
    const from = this.facts.state;
    if (!canTransition(from, state)) throw defect(`order ${this.facts.orderId} cannot go from ${from} to ${state}`);
    this.facts = { ...this.facts, state };
  }

  /** @throws ApplicationFailure `Defect` if the table has no such transition */
  setPayment(paymentState: PaymentState): void {
    const from = this.facts.paymentState;
    if (!canPaymentTransition(from, paymentState)) {
      throw defect(`the payment of order ${this.facts.orderId} cannot go from ${from} to ${paymentState}`);
    }
    this.facts = { ...this.facts, paymentState };
    // A request to the customer that was made beside an open hold stays until that hold ends or is replaced.
    const asksOn =
      this.facts.hold !== undefined && (paymentState === 'authorized' || paymentState === 'partially_captured');
    if (paymentState !== 'payment_needed' && !asksOn) this.endRequest();
  }

  /** A step that leaves an order without a hold also writes a deadline for the next one, so that a failure after this step is noticed. */
  private ensureHoldDeadline(): void {
    const { hold, paymentDeadline, paymentState, policy } = this.facts;
    if (hold !== undefined || paymentDeadline !== undefined) return;
    const isDue = paymentState === 'partially_captured' && owedAmount(this.facts) > 0;
    if (paymentState !== 'expired' && !isDue) return;
    this.patch({ paymentDeadline: iso(Date.parse(this.cause.nowIso) + policy.paymentDeadlineMs) });
  }

  private endRequest(): void {
    this.patch({ paymentDeadline: undefined, pendingPaymentIntentId: undefined });
  }

  emit(type: OrderEventType, data: Record<string, unknown> = {}): void {
    this.events.push({ type, data });
  }

  /** Changes optional facts; `undefined` removes them. */
  patch(changes: {
    readonly paymentDeadline?: string | undefined;
    readonly pendingPaymentIntentId?: string | undefined;
    readonly holdWarnedAt?: string | undefined;
    readonly paymentMethodId?: string;
    readonly paymentAttempts?: number;
    readonly lines?: readonly OrderLine[];
    readonly shipments?: readonly Shipment[];
    readonly refunds?: readonly RefundFacts[];
    readonly disputes?: readonly DisputeFacts[];
  }): void {
    const next = { ...this.facts, ...changes } as Record<string, unknown>;
    for (const key of Object.keys(next)) if (next[key] === undefined) delete next[key];
    this.facts = next as unknown as OrderFacts;
  }

  /** Makes a hold the order's open one. The ledger must contain the held amount, or this step must write it. */
  setHold(attempt: number, hold: Hold): void {
    const replaced = this.holdAttempt === attempt ? undefined : this.facts.hold?.paymentIntentId;
    const others = this.facts.supersededHolds.filter((id) => id !== hold.paymentIntentId);
    this.holdAttempt = attempt;
    this.facts = { ...this.facts, hold, supersededHolds: replaced === undefined ? others : [...others, replaced] };
    this.patch({ holdWarnedAt: undefined });
    this.endRequest();
  }

  /** Updates the order's open hold with the provider's newer answer. */
  refreshHold(hold: Hold): void {
    this.facts = { ...this.facts, hold };
  }

  dropHold(): void {
    this.holdAttempt = null;
    const { hold: _gone, ...rest } = this.facts;
    this.facts = rest;
    // Ends a request made beside the hold; if a payment is needed, the customer is asked anew.
    if (rest.paymentState !== 'payment_needed') this.endRequest();
  }

  /** Marks the order's open hold as no longer needed; it stays open at the provider until the workflow voids it. */
  supersedeHold(): void {
    const { hold } = this.facts;
    this.dropHold();
    if (hold === undefined) return;
    this.facts = { ...this.facts, supersededHolds: [...this.facts.supersededHolds, hold.paymentIntentId] };
  }

  /** Writes movements of money; amounts of zero are left out. */
  move(movements: readonly LedgerMovement[]): void {
    const moved = movements.filter((one) => one.amount !== 0);
    if (moved.length === 0) return;
    writeLedger(this.tx, this.facts.orderId, this.facts.currency, moved);
    for (const one of moved) {
      this.facts = { ...this.facts, amounts: movedAmounts(this.facts.amounts, one) };
      if (one.kind === 'released' && one.attempt !== this.holdAttempt) {
        const supersededHolds = this.facts.supersededHolds.filter((id) => id !== one.paymentIntentId);
        this.facts = { ...this.facts, supersededHolds };
      }
      if (one.kind === 'captured' && one.attempt === this.holdAttempt && this.facts.hold !== undefined) {
        const hold = { ...this.facts.hold, capturedAmount: this.facts.hold.capturedAmount + one.amount };
        this.facts = { ...this.facts, hold };
      }
    }
  }

  ship(shipment: Shipment): void {
    const shipped = new Map(shipment.lines.map((line) => [line.sku, line.quantity]));
    this.patch({
      lines: this.facts.lines.map((line) => ({ ...line, shipped: line.shipped + (shipped.get(line.sku) ?? 0) })),
      shipments: [...this.facts.shipments, shipment].sort(byTime),
    });
    const { shipmentId, lines, carrier, trackingNumber, warehouseId, amount, shippedAt } = shipment;
    this.tx.write(sql.shipment, [
      this.facts.orderId,
      shipmentId,
      JSON.stringify(lines),
      carrier,
      trackingNumber,
      warehouseId ?? null,
      amount,
      shippedAt,
    ]);
  }

  deliver(shipmentIds: readonly string[], deliveredAt: string): void {
    this.patch({
      shipments: this.facts.shipments.map((one) =>
        shipmentIds.includes(one.shipmentId) && one.deliveredAt === undefined ? { ...one, deliveredAt } : one,
      ),
    });
    this.tx.write(sql.delivered, [this.facts.orderId, shipmentIds, deliveredAt]);
  }

  setExceptions(open: readonly OpenException[]): void {
    this.openExceptions = open;
    const { exception: _before, exceptionKinds: _kinds, ...rest } = this.facts;
    this.facts = { ...rest, ...exceptionOf(open) };
  }

  get exceptions(): readonly OpenException[] {
    return this.openExceptions;
  }

  /** Writes the step with its operation key as done, and returns the order as it is now. */
  finish(operation?: { readonly kind: string; readonly paymentIntentId?: string }): OrderFacts {
    this.ensureHoldDeadline();
    const { facts, tx, cause } = this;
    if (operation !== undefined) {
      tx.write(sql.done, [
        cause.operationKey,
        operation.kind,
        facts.orderId,
        operation.paymentIntentId ?? null,
        cause.nowIso,
      ]);
    }
    if (facts.lines !== this.record.facts.lines) tx.write(sql.lines, [facts.orderId, JSON.stringify(facts.lines)]);
    const waiting = waitingFor(facts);
    tx.write(sql.update, [
      facts.orderId,
      facts.state,
      facts.paymentState,
      this.holdAttempt,
      facts.pendingPaymentIntentId ?? null,
      facts.paymentDeadline ?? null,
      facts.holdWarnedAt ?? null,
      facts.paymentMethodId,
      waiting?.on ?? null,
      waiting?.until ?? null,
      waiting?.why ?? null,
      this.record.eventSequence + this.events.length,
      cause.nowIso,
    ]);
    writeEvents(tx, facts.orderId, this.record, this.events, cause);
    writeOrderNotices(tx, this.record.facts, facts, this.events, cause);
    writeAudit(tx, this.record.facts, facts, cause);
    return facts;
  }
}

/** The sums of an order after a movement, calculated like the trigger on the ledger does. */
function movedAmounts(amounts: OrderAmounts, { kind, amount }: Pick<LedgerMovement, 'kind' | 'amount'>): OrderAmounts {
  const { disputed = 0, refundedOutside = 0, ...known } = amounts;
  const { refundPending, refunded } = known;
  switch (kind) {
    case 'authorized':
    case 'captured':
    case 'released':
      return { ...amounts, [kind]: amounts[kind] + amount };
    case 'refund_pending':
      return { ...amounts, refundPending: refundPending + amount };
    case 'refunded':
      return { ...amounts, refundPending: refundPending - amount, refunded: refunded + amount };
    case 'refund_failed':
      return { ...amounts, refundPending: refundPending - amount };
    case 'refund_reversed':
      return { ...amounts, refunded: refunded - amount };
    case 'refunded_outside':
      return withRest(known, refundedOutside + amount, disputed);
    case 'dispute_withdrawn':
      return withRest(known, refundedOutside, disputed + amount);
    case 'dispute_reinstated':
      return withRest(known, refundedOutside, disputed - amount);
  }
}

function withRest(known: OrderAmounts, refundedOutside: number, disputed: number): OrderAmounts {
  return { ...known, ...unlessZero('refundedOutside', refundedOutside), ...unlessZero('disputed', disputed) };
}

export function writeLedger(
  tx: Transaction,
  orderId: string,
  currency: string,
  movements: readonly LedgerMovement[],
): void {
  tx.write(sql.ledger, [JSON.stringify(movements.map((one) => ({ ...one, orderId, currency })))]);
}

/** Writes events to the outbox, numbered from the last one of the order without gaps. */
export function writeEvents(
  tx: Transaction,
  orderId: string,
  from: Pick<OrderRecord, 'eventSequence' | 'traceId'>,
  events: readonly { readonly type: OrderEventType; readonly data: Record<string, unknown> }[],
  cause: StepCause,
): void {
  if (events.length === 0) return;
  const rows = events.map((event, index) => ({ ...event, sequence: from.eventSequence + index + 1 }));
  tx.write(sql.outbox, [orderId, from.traceId, cause.operationKey, cause.nowIso, JSON.stringify(rows)]);
}

function byTime(one: Shipment, other: Shipment): number {
  const order = one.shippedAt.localeCompare(other.shippedAt);
  return order !== 0 ? order : one.shipmentId < other.shipmentId ? -1 : 1;
}
