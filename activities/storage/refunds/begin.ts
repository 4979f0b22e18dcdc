import type { Pool } from 'pg';
import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import { remainingLines } from '../../../workflows/domain/order/order';
import { type LineQuantity } from '../../../workflows/domain/order/lines';
import { isTerminal } from '../../../workflows/domain/order/state';
import {
  planRefund,
  type CapturedPayment,
  type RefundPlan,
  type RefundSituation,
} from '../../../workflows/domain/refund/plan';
import { isSameRequest, type RefundFacts, type RefundLine } from '../../../workflows/domain/refund/refund';
import { failedMessage, failureInWords } from '../../../workflows/domain/refund/words';
import type { BeginRefundInput, BeginRefundResult } from '../../../workflows/refund/ports';
import type { RefundRequest } from '../../../workflows/domain/refund/request';
import type { PendingCapture } from '../payments/attempt-step';
import { transact, type Transaction } from '../postgres/database';
import { utc } from '../postgres/documents';
import { lockOrder } from '../orders/step';
import type { OrderRecord } from '../orders/record';
import { RefundStep } from './step';
import { completeShipping, pickStock } from '../orders/shipping';
import { statement } from '../postgres/statements';
import type { StockQuantity } from '../inventory/stock';

const sql = {
  owner: statement('refund-owner'),
  payments: statement('refund-payments'),
  pending: statement('captures-pending'),
  reservations: statement('reservations-of'),
  releasePieces: statement('stock-release-pieces'),
  undo: statement('operation-undo'),
};

/** Records a refund and reserves its money, or returns a refusal. Runs under the order's lock, so that simultaneous refunds take turns. */
export async function beginRefund(pool: Pool, clock: Date, input: BeginRefundInput): Promise<BeginRefundResult> {
  const { request, policy, now } = input;
  return transact(pool, async (tx) => {
    const [record, [owner]] = await Promise.all([
      lockOrder(tx, request.orderId),
      tx.query<{ orderId: string }>(sql.owner, [request.refundId]),
    ]);
    if (record === undefined) return unknownOrder(request);
    const known = record.facts.refunds?.find((one) => one.refundId === request.refundId);
    if ((owner !== undefined && known === undefined) || (known !== undefined && !isSameRequest(known, request))) {
      return idUsed(request);
    }
    const isWaiting = known?.state === 'waiting';
    if (known !== undefined && !isWaiting)
      return { outcome: 'begun', refund: known, tell: !isTerminal(record.facts.state) };
    const situation = await readSituation(tx, record, request.refundId);
    const plan = planRefund(situation, request, policy);
    if (plan.kind === 'refused' && known === undefined) return { outcome: 'refused', ...withoutKind(plan) };
    const settleBy = new Date(Date.parse(now) + policy.settleLimitMs).toISOString();
    const refund: RefundFacts = known ?? newRefund(request, situation.facts.currency, now, settleBy);
    const cause = {
      operationKey: `refund:${request.refundId}`,
      action: `refund ${plan.kind}`,
      actor: request.actor,
      nowIso: now,
    };
    const step = new RefundStep(tx, record, refund, cause, clock);
    if (plan.kind === 'refused') return endWaitingRefund(step, plan);
    if (plan.kind === 'wait') {
      if (known !== undefined) return { outcome: 'capture_unsettled', refund: known, tell: false };
      step.change({ amount: plan.amount });
      return { outcome: 'capture_unsettled', ...step.finish() };
    }
    await reserve(tx, step, plan, settleBy);
    return { outcome: 'begun', ...step.finish() };
  });
}

/** Reads what a refund is decided on; the refund itself is not among the earlier refunds. */
export async function readSituation(tx: Transaction, record: OrderRecord, refundId: string): Promise<RefundSituation> {
  const { orderId, refunds } = record.facts;
  const [rows, pending] = await Promise.all([
    tx.query<Omit<CapturedPayment, 'capturedAt'> & { readonly held: number; readonly capturedAt: Date | null }>(
      sql.payments,
      [orderId],
    ),
    tx.query<PendingCapture>(sql.pending, [orderId]),
  ]);
  const payments = rows
    .filter((row) => row.captured > 0)
    .map(({ held: _held, capturedAt, ...row }) => ({ ...row, capturedAt: utc(capturedAt ?? record.facts.placedAt) }));
  const others = refunds?.filter((one) => one.refundId !== refundId);
  return {
    facts: { ...record.facts, ...(others && { refunds: others }) },
    payments,
    captureUnderWay: pending.reduce((sum, one) => sum + one.amount, 0),
    held: rows.reduce((sum, row) => sum + row.held, 0),
  };
}

function newRefund(request: RefundRequest, currency: string, now: string, settleBy: string): RefundFacts {
  const { refundId, orderId, lines, reason, actor } = request;
  return {
    refundId,
    orderId,
    state: 'waiting',
    amount: request.amount ?? 0,
    currency,
    ...(lines && { lines: lines.map(({ sku, quantity }) => ({ sku, quantity })) }),
    reason,
    actor,
    parts: [],
    requestedAt: now,
    settleBy,
  };
}

type Planned = Extract<RefundPlan, { kind: 'refund' }>;

/** Reserves the money, and cancels refunded pieces that have not shipped. */
async function reserve(tx: Transaction, step: RefundStep, plan: Planned, settleBy: string): Promise<void> {
  const { amount, lines } = plan;
  const parts = plan.parts.map((part, index) => ({ ...part, part: index + 1, status: 'begun' as const }));
  step.change({ amount, settleBy, parts, ...(lines && { lines }) });
  for (const part of parts) step.book('refund_pending', part);
  const { refundId, currency, reason, actor } = step.refund;
  step.order.emit('RefundPending', {
    refundId,
    amount,
    currency,
    reason,
    actor,
    ...(lines && { lines: lines.map(({ sku, quantity }) => ({ sku, quantity })) }),
  });
  const cancelled = cancelledOf(lines ?? []);
  if (cancelled.length > 0) await cancelPieces(tx, step, cancelled);
}

function cancelledOf(lines: readonly RefundLine[]): LineQuantity[] {
  return lines.flatMap(({ sku, cancelled = 0 }) => (cancelled > 0 ? [{ sku, quantity: cancelled }] : []));
}

/** Cancels pieces that are refunded before they have shipped, and releases their stock. */
async function cancelPieces(tx: Transaction, step: RefundStep, cancelled: readonly LineQuantity[]): Promise<void> {
  const { order, refund } = step;
  const { orderId } = refund;
  const reserved = await tx.query<StockQuantity>(sql.reservations, [orderId]);
  tx.write(sql.releasePieces, [orderId, JSON.stringify(pickStock(cancelled, reserved, undefined))]);
  const quantities = new Map(cancelled.map((line) => [line.sku, line.quantity]));
  order.patch({
    lines: order.facts.lines.map((line) => ({ ...line, cancelled: line.cancelled + (quantities.get(line.sku) ?? 0) })),
  });
  const partial = order.facts.shipments.length > 0 || remainingLines(order.facts).length > 0;
  order.emit('OrderCancelled', { reason: refund.reason, actor: refund.actor, partial, lines: cancelled });
  if (remainingLines(order.facts).length > 0) return;
  if (order.facts.shipments.length > 0) return completeShipping(order, true);
  order.moveTo('cancelled');
  // A tombstone, so that no late reservation is recorded for the cancelled order.
  tx.write(sql.undo, [operationKeys.reserve(orderId), 'reserve', orderId, step.nowIso]);
}

/** Ends a refund that waited for a capture and cannot be made. Its caller already got the answer that it waits, so an exception is opened. */
function endWaitingRefund(step: RefundStep, plan: Extract<RefundPlan, { kind: 'refused' }>): BeginRefundResult {
  step.change({ endedReason: plan.reason });
  announceAbandoned(step);
  return { outcome: 'refused', ...withoutKind(plan), given: step.finish() };
}

/** Writes the event, the exception and the notice of a refund that ends before any money was reserved. */
export function announceAbandoned(step: RefundStep): void {
  const { refundId, amount, currency } = step.refund;
  const reason = step.refund.endedReason ?? 'unknown';
  const canceled: RefundFacts = { ...step.refund, state: 'canceled' };
  step.order.emit('RefundCanceled', { refundId, amount, currency, reason });
  step.raise('refund_failed', failedMessage(canceled));
  step.notifyShop('abandoned', `The refund was not made: ${failureInWords(canceled)}.`, amount);
}

function withoutKind<T extends { readonly kind: unknown }>({ kind: _kind, ...rest }: T): Omit<T, 'kind'> {
  return rest;
}

function unknownOrder({ orderId }: RefundRequest): BeginRefundResult {
  return { outcome: 'refused', reason: 'unknown_order', message: `Order ${orderId} is not known.`, refundable: 0 };
}

function idUsed({ refundId }: RefundRequest): BeginRefundResult {
  const message = `Refund ${refundId} was already requested with other contents; use another refund id.`;
  return { outcome: 'refused', reason: 'refund_id_used', message, refundable: 0 };
}
