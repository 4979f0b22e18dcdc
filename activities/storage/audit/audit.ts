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
  /** This computer's, where `nowIso` is by another clock: notices are queued by it. */
  readonly clock?: Date;
}

/** One entry of the audit log, sent together with the commit. States, amounts and quantities only: no personal data. */
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

/** As `writeEntry`, for what belongs to no order. */
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

/** What a step made of an order; `before` is absent for an order that is new. */
export function writeAudit(tx: Transaction, before: OrderFacts | undefined, after: OrderFacts, cause: StepCause): void {
  writeEntry(tx, after.orderId, cause, before && orderSummary(before), orderSummary(after));
}

/** What the audit log keeps of an order: nothing that names a person. */
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

/** What the audit log keeps of a payment attempt: no customer, no card, no client secret. Minor units. */
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
