import type { Pool } from 'pg';
import { formatMoney } from '../../../workflows/domain/shared/money';
import type { OrderFacts } from '../../../workflows/domain/order/order';
import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import { workflowIds } from '../../../workflows/kit/names';
import { openAmount } from './attempts';
import { AttemptStep, onAttempts, type AttemptContext } from './attempt-step';
import { attemptSummary, writeEntry } from '../audit/audit';
import { addException } from '../exceptions/exceptions';
import { notFound } from '../postgres/failures';
import { RELEASED_FOR_ANOTHER } from '../../../workflows/domain/order/order';
import type { RecordVoidInput } from './store';
import { movement } from './record-attempt';
import { statement } from '../postgres/statements';

const sql = { unseal: statement('attempt-unseal') };

/** Records that we canceled a PaymentIntent. Repeated, it returns what was released the first time. */
export async function recordVoid(
  pool: Pool,
  now: Date,
  input: RecordVoidInput,
): Promise<{ readonly releasedAmount: number; readonly facts?: OrderFacts }> {
  const { orderId, attempt, paymentIntentId, reason } = input;
  return onAttempts(pool, orderId, (context) => {
    const named = context.attempts.find((one) => one.attempt === attempt);
    // If several attempts used the PaymentIntent, its money is booked on the latest.
    const row = context.attempts.findLast((one) => one.paymentIntentId === paymentIntentId) ?? named;
    if (row === undefined) throw notFound(`attempt ${attempt} of order ${orderId}`);
    const known = context.record === undefined ? {} : { facts: context.record.facts };
    if (row.status === 'voided' && row.tombstoned) return { releasedAmount: row.releasedAmount, ...known };
    const step = new AttemptStep(context, row, {
      operationKey: operationKeys.void(paymentIntentId),
      action: `void: ${reason}`,
      actor: 'payment provider',
      nowIso: now.toISOString(),
    });
    const released = openAmount(row);
    step.change({ status: row.status === 'captured' ? 'captured' : 'voided', paymentIntentId, tombstone: true });
    step.move([movement(row, 'released', paymentIntentId, released, now.toISOString(), step.key)]);
    step.undoCaptures(paymentIntentId);
    dropFromOrder(step, paymentIntentId, reason);
    if (input.isUnknown === true) raiseUnknownHold(context, step, paymentIntentId, released);
    const facts = step.finish();
    return { releasedAmount: released, ...(facts !== undefined && { facts }) };
  });
}

function raiseUnknownHold({ tx }: AttemptContext, { order, row }: AttemptStep, id: string, amount: number): void {
  const currency = row.currency ?? '';
  if (order === undefined || amount === 0) return;
  const what = `Stripe does not know ${id}, on which ${formatMoney({ amount, currency })} were held`;
  addException(tx, order, {
    orderId: row.orderId,
    workflowId: workflowIds.order(row.orderId),
    kind: 'void_failed',
    message: `${what}; the hold counts as released. Check that the secret key belongs to the account and mode that made it, and cancel it there.`,
    owner: 'payments',
    amountAtRisk: { amount, currency },
  });
}

/** Records that a hold no longer exists at the provider. */
export async function recordHoldExpired(
  pool: Pool,
  now: Date,
  input: { readonly orderId: string; readonly paymentIntentId: string },
): Promise<OrderFacts> {
  const { orderId, paymentIntentId } = input;
  return onAttempts(pool, orderId, (context) => {
    const row = context.attempts.findLast((one) => one.paymentIntentId === paymentIntentId);
    if (context.record === undefined || row === undefined) throw notFound(`${paymentIntentId} of order ${orderId}`);
    const operationKey = `expire:${paymentIntentId}`;
    const cause = { operationKey, action: 'hold expired', actor: 'payment provider', nowIso: now.toISOString() };
    const step = new AttemptStep(context, row, cause);
    step.undoCaptures(paymentIntentId);
    if (openAmount(row) === 0 && !step.isCurrent) {
      const pending = context.pendingCaptures.filter((one) => one.paymentIntentId === paymentIntentId);
      if (pending.length > 0) writeEntry(context.tx, orderId, cause, { captures: pending }, { captures: [] });
      return context.record.facts;
    }
    step.change({ status: row.capturedAmount > 0 && row.status === 'captured' ? 'captured' : 'expired' });
    step.move([movement(row, 'released', paymentIntentId, openAmount(row), now.toISOString(), operationKey)]);
    step.loseHold('expired');
    return step.finish() ?? context.record.facts;
  });
}

/** Allows captures of the order's open hold again, after a person gave up the cancel that had sealed it. */
export async function reopenHold(pool: Pool, now: Date, orderId: string): Promise<OrderFacts> {
  return onAttempts(pool, orderId, ({ tx, record, attempts }) => {
    if (record === undefined) throw notFound(`order ${orderId}`);
    const row = attempts.find((one) => one.paymentIntentId === record.facts.hold?.paymentIntentId && one.tombstoned);
    if (row === undefined) return record.facts;
    tx.write(sql.unseal, [orderId, row.attempt, now]);
    const operationKey = `reopen:${row.paymentIntentId}`;
    const cause = { operationKey, action: 'reopen hold', actor: 'order', nowIso: now.toISOString() };
    writeEntry(tx, orderId, cause, attemptSummary(row), { ...attemptSummary(row), tombstoned: false });
    return record.facts;
  });
}

function dropFromOrder(step: AttemptStep, paymentIntentId: string, reason: string): void {
  const { order } = step;
  if (order === undefined) return;
  if (order.facts.pendingPaymentIntentId === paymentIntentId) order.patch({ pendingPaymentIntentId: undefined });
  if (!step.isCurrent) return;
  order.dropHold();
  if (reason === RELEASED_FOR_ANOTHER) return order.setPayment('expired');
  // What was captured before stays captured; the cancel that follows sets the payment state.
  if (order.facts.amounts.captured === 0) order.setPayment('voided');
}
