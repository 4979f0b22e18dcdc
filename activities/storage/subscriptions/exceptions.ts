import type { Pool } from 'pg';
import type { RaiseSubscriptionException, ResolveSubscriptionException } from '../../../workflows/subscription/ports';
import { writeSubjectEntry, type StepCause } from '../audit/audit';
import { transact } from '../postgres/database';
import { statement } from '../postgres/statements';
import { loadSubscription, lockSubscription, writeEventsAlone } from './step';

const sql = {
  insert: statement('exception-insert-subject'),
  resolve: statement('exceptions-resolve'),
  claim: statement('operation-claim'),
  done: statement('operation-done'),
  undo: statement('operation-undo'),
};

/** Opens an exception of a subscription, also of one that was never recorded. Safe to repeat. */
export async function raiseSubscriptionException(
  pool: Pool,
  now: Date,
  input: RaiseSubscriptionException,
): Promise<void> {
  const { subscriptionId, workflowId, kind, operationKey, message, owner } = input;
  await transact(pool, async (tx) => {
    lockSubscription(tx, subscriptionId);
    // The column is named for orders, to which most operations belong; here it contains the subscription's id.
    const claimed = tx.query<{ undone: boolean }>(sql.claim, [operationKey, 'exception', subscriptionId, now]);
    const [[claim], record] = await Promise.all([claimed, loadSubscription(tx, subscriptionId)]);
    if (claim?.undone === true) return;
    tx.write(sql.done, [operationKey, 'exception', subscriptionId, null, now]);
    const values = ['subscription', subscriptionId, workflowId, kind, message, owner, now];
    const opened = await tx.query(sql.insert, values);
    if (opened.length === 0) return;
    const cause = causeOf(operationKey, 'raise exception', workflowId, now);
    writeSubjectEntry(tx, { type: 'subscription', id: subscriptionId }, cause, undefined, { exception: kind, owner });
    if (record === undefined) return;
    writeEventsAlone(tx, record, [{ type: 'ExceptionRaised', data: { kind, message, owner } }], cause);
  });
}

/** Closes open exceptions, with tombstones so that a late attempt to raise them under these keys opens nothing. */
export async function resolveSubscriptionException(
  pool: Pool,
  now: Date,
  input: ResolveSubscriptionException,
): Promise<void> {
  const { subscriptionId, workflowId, kinds, operationKeys } = input;
  await transact(pool, async (tx) => {
    lockSubscription(tx, subscriptionId);
    for (const key of operationKeys) tx.write(sql.undo, [key, 'exception', subscriptionId, now]);
    const closing = tx.query<{ kind: string }>(sql.resolve, [workflowId, kinds, now]);
    const [closed, record] = await Promise.all([closing, loadSubscription(tx, subscriptionId)]);
    if (closed.length === 0) return;
    const cause = causeOf(`resolve:${workflowId}:${kinds.join('+')}`, 'resolve exception', workflowId, now);
    const before = { exceptions: closed.map((one) => one.kind) };
    writeSubjectEntry(tx, { type: 'subscription', id: subscriptionId }, cause, before, { exceptions: [] });
    if (record === undefined) return;
    const news = closed.map(({ kind }) => ({ type: 'ExceptionResolved' as const, data: { kind } }));
    writeEventsAlone(tx, record, news, cause);
  });
}

function causeOf(operationKey: string, action: string, actor: string, now: Date): StepCause {
  return { operationKey, action, actor, nowIso: now.toISOString() };
}
