import type { Pool } from 'pg';
import type { OrderFacts } from '../../workflows/domain/order';
import type { OrderActivities, RaiseExceptionInput } from '../../workflows/ports';
import { transact, type Transaction } from './database';
import { lockOrder, OrderStep } from './order-step';
import { statement } from './statements';

const sql = { insert: statement('exception-insert'), resolve: statement('exceptions-resolve') };

/** Opens an exception within a step: the row, the facts and the event. The same again changes nothing. */
export function addException(tx: Transaction, step: OrderStep, input: RaiseExceptionInput): void {
  const { kind, workflowId, message, owner, amountAtRisk } = input;
  if (step.exceptions.some((one) => one.kind === kind && one.workflowId === workflowId)) return;
  const raisedAt = step.cause.nowIso;
  writeException(tx, input, raisedAt);
  step.setExceptions([...step.exceptions, { kind, workflowId, message, owner, raisedAt }]);
  step.emit('ExceptionRaised', { kind, message, owner, ...(amountAtRisk && { amountAtRisk }) });
}

/** Opens an exception, also for an order that is not recorded; answers with the order where it is. */
export async function raiseException(pool: Pool, now: Date, input: RaiseExceptionInput): Promise<OrderFacts | null> {
  return transact(pool, async (tx) => {
    const record = await lockOrder(tx, input.orderId);
    if (record === undefined) {
      writeException(tx, input, now.toISOString());
      return null;
    }
    const operationKey = `exception:${input.workflowId}:${input.kind}`;
    const step = new OrderStep(tx, record, {
      operationKey,
      action: 'raise exception',
      actor: input.workflowId,
      nowIso: now.toISOString(),
    });
    addException(tx, step, input);
    return step.exceptions === record.openExceptions ? record.facts : step.finish();
  });
}

/** Closes open exceptions; answers with the order where it is recorded. */
export async function resolveException(
  pool: Pool,
  now: Date,
  input: Parameters<OrderActivities['resolveException']>[0],
): Promise<OrderFacts | null> {
  const { orderId, workflowId, kinds } = input;
  return transact(pool, async (tx) => {
    const record = await lockOrder(tx, orderId);
    const closes = (one: { readonly kind: RaiseExceptionInput['kind']; readonly workflowId: string }): boolean =>
      one.workflowId === workflowId && kinds.includes(one.kind);
    if (record !== undefined && !record.openExceptions.some(closes)) return record.facts;
    tx.write(sql.resolve, [workflowId, kinds, now]);
    if (record === undefined) return null;
    const step = new OrderStep(tx, record, {
      operationKey: `resolve:${workflowId}:${kinds.join('+')}`,
      action: 'resolve exception',
      actor: workflowId,
      nowIso: now.toISOString(),
    });
    step.setExceptions(record.openExceptions.filter((one) => !closes(one)));
    for (const { kind } of record.openExceptions.filter(closes)) step.emit('ExceptionResolved', { kind });
    return step.finish();
  });
}

/** The row of an exception alone. */
export function writeException(tx: Transaction, input: RaiseExceptionInput, raisedAt: string): void {
  const { orderId, workflowId, kind, message, owner, amountAtRisk } = input;
  tx.write(sql.insert, [
    orderId,
    workflowId,
    kind,
    message,
    owner,
    amountAtRisk?.amount ?? null,
    amountAtRisk?.currency ?? null,
    raisedAt,
  ]);
}
