import type { Pool } from 'pg';
import type { Hold, OrderFacts, Shipment } from '../../../workflows/domain/order/order';
import type { OrderException } from '../../../workflows/domain/exception/exception';
import type { OrderLine } from '../../../workflows/domain/order/lines';
import { run } from '../postgres/database';
import { utc } from '../postgres/documents';
import { disputeFacts, refundFacts, type DisputeDocument, type RefundDocument } from './refund-and-dispute-records';
import { statement } from '../postgres/statements';

/** One order as recorded in Postgres: the facts that workflows see, and what only storage needs. */
export interface OrderRecord {
  readonly facts: OrderFacts;
  /** The attempt whose hold is open. */
  readonly holdAttempt: number | null;
  /** Sequence of the last event. */
  readonly eventSequence: number;
  readonly traceId: string;
  readonly openExceptions: readonly OpenException[];
}

export interface OpenException extends OrderException {
  readonly workflowId: string;
}

/** A row of order-load.sql. It is JSON, so times are in Postgres' own notation. */
export interface OrderRow {
  readonly record: OrderDocument;
}

type Nullable<T> = { readonly [K in keyof T]: T[K] | null };

interface AttemptDocument {
  readonly attempt: number;
  readonly paymentIntentId: string | null;
  readonly authorized: number;
  readonly captured: number;
  readonly released: number;
  readonly refundPending: number;
  readonly refunded: number;
  readonly refundedOutside: number;
  readonly disputed: number;
  readonly authorizedAt: string | null;
  readonly captureBefore: string | null;
  readonly multicapture: boolean | null;
}

interface OrderDocument extends Pick<
  OrderFacts,
  | 'orderId'
  | 'cartId'
  | 'channel'
  | 'currency'
  | 'state'
  | 'paymentState'
  | 'captureOn'
  | 'shippingAmount'
  | 'taxAmount'
  | 'policy'
  | 'customerId'
  | 'paymentMethodId'
  | 'placedAt'
> {
  readonly pendingPaymentIntentId: string | null;
  readonly paymentDeadline: string | null;
  readonly holdWarnedAt: string | null;
  readonly holdAttempt: number | null;
  readonly eventSequence: number;
  readonly traceId: string;
  readonly lines: readonly OrderLine[];
  readonly shipments:
    | readonly (Omit<Shipment, 'warehouseId' | 'deliveredAt'> &
        Nullable<Required<Pick<Shipment, 'warehouseId' | 'deliveredAt'>>>)[]
    | null;
  readonly attempts: readonly AttemptDocument[] | null;
  readonly refunds: readonly RefundDocument[] | null;
  readonly disputes: readonly DisputeDocument[] | null;
  readonly exceptions: readonly OpenException[] | null;
}

export { utc } from '../postgres/documents';

export const orderLoad = statement('order-load');

/** Reads an order without locking it. */
export async function readOrder(pool: Pool, orderId: string): Promise<OrderRecord | undefined> {
  const [row] = await run<OrderRow>(pool, orderLoad, [orderId]);
  return row && orderRecord(row.record);
}

/** The record in a row of order-load.sql. */
export function orderRecord(row: OrderDocument): OrderRecord {
  const attempts = row.attempts ?? [];
  const openExceptions = (row.exceptions ?? []).map((one) => ({ ...one, raisedAt: utc(one.raisedAt) }));
  const sum = (pick: (attempt: AttemptDocument) => number): number =>
    attempts.reduce((total, attempt) => total + pick(attempt), 0);
  const hold = holdOf(attempts.find((attempt) => attempt.attempt === row.holdAttempt));
  const { holdAttempt, eventSequence, traceId } = row;
  const facts: OrderFacts = {
    orderId: row.orderId,
    cartId: row.cartId,
    channel: row.channel,
    currency: row.currency,
    state: row.state,
    paymentState: row.paymentState,
    captureOn: row.captureOn,
    lines: row.lines,
    shippingAmount: row.shippingAmount,
    taxAmount: row.taxAmount,
    amounts: {
      authorized: sum((attempt) => attempt.authorized),
      captured: sum((attempt) => attempt.captured),
      released: sum((attempt) => attempt.released),
      refundPending: sum((attempt) => attempt.refundPending),
      refunded: sum((attempt) => attempt.refunded),
      ...unlessZero(
        'refundedOutside',
        sum((attempt) => attempt.refundedOutside),
      ),
      ...unlessZero(
        'disputed',
        sum((attempt) => attempt.disputed),
      ),
    },
    ...(hold && { hold }),
    supersededHolds: attempts.flatMap((attempt) =>
      isSuperseded(attempt, row.holdAttempt) ? [attempt.paymentIntentId] : [],
    ),
    ...(row.pendingPaymentIntentId !== null && { pendingPaymentIntentId: row.pendingPaymentIntentId }),
    ...(row.paymentDeadline !== null && { paymentDeadline: utc(row.paymentDeadline) }),
    paymentAttempts: attempts.reduce((last, attempt) => Math.max(last, attempt.attempt), 0),
    paymentMethodId: row.paymentMethodId,
    customerId: row.customerId,
    shipments: (row.shipments ?? []).map(shipmentOf),
    // Absent instead of an empty list: most orders have none, and histories store every step's result.
    ...(row.refunds !== null && { refunds: row.refunds.map(refundFacts) }),
    ...(row.disputes !== null && { disputes: row.disputes.map(disputeFacts) }),
    ...(row.holdWarnedAt !== null && { holdWarnedAt: utc(row.holdWarnedAt) }),
    ...exceptionOf(openExceptions),
    placedAt: utc(row.placedAt),
    policy: row.policy,
  };
  return { facts, holdAttempt, eventSequence, traceId, openExceptions };
}

/** Leaves out a sum that is zero for most orders. */
export function unlessZero<K extends string>(key: K, amount: number): { readonly [P in K]?: number } {
  return (amount === 0 ? {} : { [key]: amount }) as { readonly [P in K]?: number };
}

/** Of several open exceptions the first is shown, because later ones usually follow from it. */
export function exceptionOf(open: readonly OpenException[]): Pick<OrderFacts, 'exception' | 'exceptionKinds'> {
  const [first] = open;
  if (first === undefined) return {};
  const { kind, message, owner, raisedAt } = first;
  const kinds = [...new Set(open.map((one) => one.kind))];
  return { exception: { kind, message, owner, raisedAt }, ...(kinds.length > 1 && { exceptionKinds: kinds }) };
}

function isSuperseded(
  attempt: AttemptDocument,
  holdAttempt: number | null,
): attempt is AttemptDocument & { readonly paymentIntentId: string } {
  const isOpen = attempt.authorized - attempt.captured - attempt.released > 0;
  return isOpen && attempt.attempt !== holdAttempt && attempt.paymentIntentId !== null;
}

function holdOf(attempt: AttemptDocument | undefined): Hold | undefined {
  if (!attempt?.paymentIntentId || attempt.authorizedAt === null || attempt.captureBefore === null) return undefined;
  return {
    paymentIntentId: attempt.paymentIntentId,
    authorizedAmount: attempt.authorized,
    capturedAmount: attempt.captured,
    authorizedAt: utc(attempt.authorizedAt),
    captureBefore: utc(attempt.captureBefore),
    multicapture: attempt.multicapture ?? false,
  };
}

function shipmentOf(row: NonNullable<OrderDocument['shipments']>[number]): Shipment {
  const { warehouseId, deliveredAt, shipmentId, lines, carrier, trackingNumber, amount } = row;
  return {
    shipmentId,
    lines,
    carrier,
    trackingNumber,
    ...(warehouseId !== null && { warehouseId }),
    amount,
    shippedAt: utc(row.shippedAt),
    ...(deliveredAt !== null && { deliveredAt: utc(deliveredAt) }),
  };
}
