import type { OrderFacts } from '../../../workflows/domain/order/order';
import { utc } from '../orders/record';
import type { AttemptRow } from '../payments/attempts';
import type { Transaction } from '../postgres/database';
import { statement } from '../postgres/statements';

const sql = { insert: statement('audit-insert'), insertSubject: statement('audit-insert-subject') };

/** Who and why, for the audit log and the events. */
export interface StepCause {
  readonly operationKey: string;
  readonly action: string;
  readonly actor: string;
  readonly nowIso: string;
  /** This computer's time if `nowIso` is from another clock; notices are queued by it. */
  readonly clock?: Date;
}

/** Writes an entry of the audit log, sent together with the commit. States, amounts and quantities only: no personal data. */
export function writeEntry(
  tx: Transaction,
  orderId: string,
  cause: StepCause,
  before: object | undefined,
  after: object,
): void {
  const { operationKey, action, actor, nowIso } = cause;
  const values = [before === undefined ? null : JSON.stringify(before), JSON.stringify(after), nowIso];
  tx.write(sql.insert, [orderId, operationKey, action, actor, ...values]);
}

/** Like `writeEntry`, for a subject that belongs to no order. */
export function writeSubjectEntry(
  tx: Transaction,
  subject: { readonly type: 'subscription'; readonly id: string },
  cause: StepCause,
  before: object | undefined,
  after: object,
): void {
  const { operationKey, action, actor, nowIso } = cause;
  const values = [before === undefined ? null : JSON.stringify(before), JSON.stringify(after), nowIso];
  tx.write(sql.insertSubject, [subject.type, subject.id, operationKey, action, actor, ...values]);
}

/** Writes the entry of a step on an order; `before` is undefined for a new order. */
export function writeAudit(tx: Transaction, before: OrderFacts | undefined, after: OrderFacts, cause: StepCause): void {
  writeEntry(tx, after.orderId, cause, before && orderSummary(before), orderSummary(after));
}

/** The part of an order that the audit log stores; no personal data. */
function orderSummary(facts: OrderFacts): Record<string, unknown> {
  const { state, paymentState, amounts, hold, lines, shipments, refunds, disputes, exception } = facts;
  return {
    state,
    paymentState,
    amounts,
    hold: hold?.paymentIntentId ?? null,
    lines,
    shipments: shipments.map((one) => one.shipmentId),
    ...(refunds?.length && {
      refunds: refunds.map(({ refundId, state: of, amount }) => ({ refundId, state: of, amount })),
    }),
    ...(disputes?.length && { disputes: disputes.map(({ disputeId, stage }) => ({ disputeId, stage })) }),
    exception: exception?.kind ?? null,
  };
}

/** The part of a payment attempt that the audit log stores: no customer, no card, no client secret. Minor units. */
export interface AttemptSummary {
  readonly attempt: number;
  readonly status: string;
  readonly paymentIntentId: string | null;
  readonly amount: number | null;
  readonly currency: string | null;
  readonly authorized: number;
  readonly captured: number;
  readonly released: number;
  readonly captureBefore: string | null;
  readonly code: string | null;
  readonly declineCode: string | null;
  readonly tombstoned: boolean;
}

export function attemptSummary(row: AttemptRow): AttemptSummary {
  const { attempt, status, paymentIntentId, amount, currency, captureBefore, code, declineCode, tombstoned } = row;
  return {
    attempt,
    status,
    paymentIntentId,
    amount,
    currency,
    authorized: row.authorizedAmount,
    captured: row.capturedAmount,
    released: row.releasedAmount,
    captureBefore: captureBefore && utc(captureBefore),
    code,
    declineCode,
    tombstoned,
  };
}
