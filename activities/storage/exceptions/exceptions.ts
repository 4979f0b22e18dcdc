import type { Pool } from 'pg';
import type { OrderFacts } from '../../../workflows/domain/order/order';
import type { OrderActivities } from '../../../workflows/order/ports';
import type { RaiseExceptionInput } from '../../../workflows/kit/exceptions';
import { writeEntry } from '../audit/audit';
import { run, transact, type Transaction } from '../postgres/database';
import type { OpenException } from '../orders/record';
import { lockOrder, OrderStep } from '../orders/step';
import { statement } from '../postgres/statements';

const sql = {
  insert: statement('exception-insert'),
  update: statement('exception-update'),
  resolve: statement('exceptions-resolve'),
  claim: statement('operation-claim'),
  done: statement('operation-done'),
  undo: statement('operation-undo'),
  decide: statement('exception-decide'),
};

/** Claims the operation key of an exception; false if the exception was resolved before this late attempt. */
async function claimRaising(tx: Transaction, input: RaiseExceptionInput, now: Date): Promise<boolean> {
  const { operationKey, orderId } = input;
  if (operationKey === undefined) return true;
  const [claim] = await tx.query<{ undone: boolean }>(sql.claim, [operationKey, 'exception', orderId, now]);
  if (claim?.undone === true) return false;
  tx.write(sql.done, [operationKey, 'exception', orderId, null, now]);
  return true;
}

/**
 * Opens an exception in a step's transaction: row, facts and event. If it is open already, nothing changes, except that
 * `replacesText` updates its message without another event.
 */
export function addException(tx: Transaction, step: OrderStep, input: RaiseExceptionInput): void {
  const { kind, workflowId, message, owner, amountAtRisk } = input;
  const open = step.exceptions.find((one) => one.kind === kind && one.workflowId === workflowId);
  if (open !== undefined) {
    if (input.replacesText !== true || open.message === message) return;
    tx.write(sql.update, [workflowId, kind, message, amountAtRisk?.amount ?? null, amountAtRisk?.currency ?? null]);
    return step.setExceptions(step.exceptions.map((one) => (one === open ? { ...one, message } : one)));
  }
  const raisedAt = step.cause.nowIso;
  writeException(tx, input, raisedAt);
  step.setExceptions([...step.exceptions, { kind, workflowId, message, owner, raisedAt }]);
  step.emit('ExceptionRaised', { kind, message, owner, ...(amountAtRisk && { amountAtRisk }) });
}

/** Closes open exceptions of a workflow in a step's transaction: rows, facts and events. */
export function closeExceptions(
  tx: Transaction,
  step: OrderStep,
  workflowId: string,
  kinds: readonly RaiseExceptionInput['kind'][],
): void {
  const closes = (one: OpenException): boolean => one.workflowId === workflowId && kinds.includes(one.kind);
  const closed = step.exceptions.filter(closes);
  if (closed.length === 0) return;
  tx.write(sql.resolve, [workflowId, kinds, step.cause.nowIso]);
  step.setExceptions(step.exceptions.filter((one) => !closes(one)));
  for (const { kind } of closed) step.emit('ExceptionResolved', { kind });
}

/** Closes the exceptions of lost disputes, which have no purpose once nothing is left to ship. */
export function closeLostDisputes(step: OrderStep): void {
  const lost = step.exceptions.filter((one) => one.kind === 'dispute_lost');
  for (const { workflowId } of lost) closeExceptions(step.tx, step, workflowId, ['dispute_lost']);
}

/** Opens an exception, also for an order that is not recorded. Returns the order if it is recorded. */
export async function raiseException(pool: Pool, now: Date, input: RaiseExceptionInput): Promise<OrderFacts | null> {
  return transact(pool, async (tx) => {
    const isDue = await claimRaising(tx, input, now);
    const record = await lockOrder(tx, input.orderId);
    if (!isDue) return record?.facts ?? null;
    const operationKey = `exception:${input.workflowId}:${input.kind}`;
    const cause = { operationKey, action: 'raise exception', actor: input.workflowId, nowIso: now.toISOString() };
    if (record === undefined) {
      const { kind, owner, amountAtRisk } = input;
      const opened = await tx.query(sql.insert, exceptionValues(input, cause.nowIso));
      if (opened.length > 0) writeEntry(tx, input.orderId, cause, undefined, { exception: kind, owner, amountAtRisk });
      return null;
    }
    const step = new OrderStep(tx, record, cause);
    addException(tx, step, input);
    return step.exceptions === record.openExceptions ? record.facts : step.finish();
  });
}

/** Closes open exceptions. Returns the order if it is recorded. */
export async function resolveException(
  pool: Pool,
  now: Date,
  input: Parameters<OrderActivities['resolveException']>[0],
): Promise<OrderFacts | null> {
  const { orderId, workflowId, kinds, operationKeys = [] } = input;
  return transact(pool, async (tx) => {
    // Tombstones, so that a late attempt to raise the exception does not open it again.
    for (const key of operationKeys) tx.write(sql.undo, [key, 'exception', orderId, now]);
    const record = await lockOrder(tx, orderId);
    const closes = (one: { readonly kind: RaiseExceptionInput['kind']; readonly workflowId: string }): boolean =>
      one.workflowId === workflowId && kinds.includes(one.kind);
    if (record !== undefined && !record.openExceptions.some(closes)) return record.facts;
    const operationKey = `resolve:${workflowId}:${kinds.join('+')}`;
    const cause = { operationKey, action: 'resolve exception', actor: workflowId, nowIso: now.toISOString() };
    if (record === undefined) {
      const closed = await tx.query<{ kind: string }>(sql.resolve, [workflowId, kinds, now]);
      const before = { exceptions: closed.map((one) => one.kind) };
      if (closed.length > 0) writeEntry(tx, orderId, cause, before, { exceptions: [] });
      return null;
    }
    const step = new OrderStep(tx, record, cause);
    closeExceptions(tx, step, workflowId, kinds);
    return step.finish();
  });
}

/** Records a person's decision on an open exception. Safe to repeat. */
export async function decideException(
  pool: Pool,
  now: Date,
  { workflowId, kind, action, actor, note }: Parameters<OrderActivities['decideException']>[0],
): Promise<void> {
  await run(pool, sql.decide, [workflowId, kind, action, actor, note ?? null, now, false]);
}

/** Closes an exception whose workflow has ended, after a person has resolved the problem by hand. False if it is closed already. */
export async function dismissException(
  pool: Pool,
  now: Date,
  { workflowId, kind, actor, note }: Omit<Parameters<OrderActivities['decideException']>[0], 'action'>,
): Promise<boolean> {
  const closed = await run(pool, sql.decide, [workflowId, kind, 'dismiss', actor, note ?? null, now, true]);
  return closed.length > 0;
}

/** Writes only the row of an exception. */
export function writeException(tx: Transaction, input: RaiseExceptionInput, raisedAt: string): void {
  tx.write(sql.insert, exceptionValues(input, raisedAt));
}

function exceptionValues(input: RaiseExceptionInput, raisedAt: string): unknown[] {
  const { orderId, workflowId, kind, message, owner, amountAtRisk } = input;
  return [
    orderId,
    workflowId,
    kind,
    message,
    owner,
    amountAtRisk?.amount ?? null,
    amountAtRisk?.currency ?? null,
    raisedAt,
  ];
}
