import type { Pool } from 'pg';
import { owedAmount } from '../../../workflows/domain/order/owed';
import { formatMoney } from '../../../workflows/domain/shared/money';
import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import type { OrderFacts } from '../../../workflows/domain/order/order';
import { workflowIds } from '../../../workflows/kit/names';
import type { PaymentStatus } from '../../../workflows/payment/ports';
import type { RaiseExceptionInput } from '../../../workflows/kit/exceptions';
import { holdOfAttempt, openAmount, type AttemptRow } from './attempts';
import { AttemptStep, onAttempts, type AttemptContext, type HoldMovement } from './attempt-step';
import { addException, writeException } from '../exceptions/exceptions';
import { notFound } from '../postgres/failures';
import type { RecordAttemptInput, RecordAttemptResult } from './store';
import { statement } from '../postgres/statements';

const sql = { result: statement('authorization-result-insert') };

type Status<Name extends PaymentStatus['status']> = Extract<PaymentStatus, { status: Name }>;

/** Final statuses of an attempt, which an older answer of the provider must not overwrite. */
const ENDED: ReadonlySet<string> = new Set(['captured', 'canceled', 'expired', 'voided']);

/** Records the state of a payment at the provider. Safe to repeat, and safe if answers arrive out of order. */
export async function recordAttempt(pool: Pool, now: Date, input: RecordAttemptInput): Promise<RecordAttemptResult> {
  const { orderId, status } = input;
  return onAttempts(pool, orderId, (context) => {
    const row = attemptFor(context.attempts, input);
    if (row === undefined) throw notFound(`attempt ${input.attempt} of order ${orderId}`);
    const step = new AttemptStep(context, row, {
      operationKey: row.operationKey,
      action: `payment ${status.status}`,
      actor: 'payment provider',
      nowIso: now.toISOString(),
    });
    const { facts, undone } = apply(context, step, input, now);
    const known = facts === undefined ? {} : { facts };
    return { kind: undone ? 'undone' : 'recorded', ...known };
  });
}

/** The end of a PaymentIntent that several attempts used belongs to the latest of them; each earlier refusal to its own attempt. */
function attemptFor(attempts: readonly AttemptRow[], { attempt, status }: RecordAttemptInput): AttemptRow | undefined {
  const ends = status.status === 'authorized' || status.status === 'captured' || status.status === 'canceled';
  const latest = ends ? attempts.findLast((one) => one.paymentIntentId === status.paymentIntentId) : undefined;
  return latest !== undefined && latest.attempt > attempt ? latest : attempts.find((one) => one.attempt === attempt);
}

interface Applied {
  readonly facts?: OrderFacts | undefined;
  readonly undone: boolean;
}

function apply(context: AttemptContext, step: AttemptStep, input: RecordAttemptInput, now: Date): Applied {
  const { status } = input;
  const { row } = step;
  const unchanged: Applied = { facts: context.record?.facts, undone: row.tombstoned };
  // An attempt without a currency was never begun here, so no money can be booked on it.
  if (status.status === 'none' || row.currency === null) return unchanged;
  if (status.status === 'captured') return applyCaptured(context, step, input, status, now);
  if (ENDED.has(row.status)) return unchanged;
  if (status.status === 'authorized') return applyAuthorized(context, step, input, status, now);
  if (status.status === 'canceled') return applyCanceled(step, status, now);
  if (row.status === 'authorized') return unchanged;
  if (status.status === 'declined') writeResult(context, row, input, now);
  step.change({
    ...(status.status === 'refused' ? {} : { paymentIntentId: status.paymentIntentId }),
    ...(status.status === 'declined' || status.status === 'refused' ? { code: status.code } : {}),
    ...(status.status === 'declined' ? { declineCode: status.declineCode } : {}),
    status: status.status,
    chargeId: input.chargeId,
  });
  // The order stays unchanged: its workflow decides what this means for it.
  step.finishAttempt();
  return unchanged;
}

function applyAuthorized(
  context: AttemptContext,
  step: AttemptStep,
  input: RecordAttemptInput,
  status: Status<'authorized'>,
  now: Date,
): Applied {
  const { row, order } = step;
  const { hold, paymentIntentId, paymentMethodId } = status;
  const isNew = row.authorizedAmount === 0;
  if (isNew && hold.authorizedAmount !== row.amount) return refuseOtherAmount(context, step, paymentIntentId);
  const undone = row.tombstoned || (isNew && step.orderNeedsNoHold);
  const taken = hold.capturedAmount - row.capturedAmount;
  const external = taken > 0 && (input.capturedElsewhere === true || !isPending(context, paymentIntentId));
  const known = holdOfAttempt(row);
  const sameDates = known?.captureBefore === hold.captureBefore && row.paymentMethodId === paymentMethodId;
  if (!isNew && sameDates && !external) return { facts: context.record?.facts, undone };
  const { authorizedAt, captureBefore, multicapture } = hold;
  const dates = { authorizedAt, captureBefore, multicapture };
  step.change({
    status: 'authorized',
    paymentIntentId,
    chargeId: input.chargeId,
    paymentMethodId,
    ...dates,
    tombstone: undone,
  });
  const movements: HoldMovement[] = [];
  if (isNew) {
    movements.push(movement(row, 'authorized', paymentIntentId, hold.authorizedAmount, authorizedAt, row.operationKey));
    writeResult(context, row, input, now);
  }
  if (external) {
    const key = `external:${paymentIntentId}:${hold.capturedAmount}`;
    movements.push(movement(row, 'captured', paymentIntentId, taken, now.toISOString(), key));
  }
  step.move(movements);
  if (order !== undefined && !undone) {
    const open = { ...hold, capturedAmount: external ? hold.capturedAmount : row.capturedAmount };
    if (isNew) {
      order.setHold(row.attempt, open);
      order.patch({ paymentMethodId });
      order.setPayment(order.facts.amounts.captured > 0 ? 'partially_captured' : 'authorized');
      order.emit('PaymentReauthorized', { paymentIntentId, amount: hold.authorizedAmount, captureBefore });
    } else if (step.isCurrent) {
      order.refreshHold(open);
      if (external) order.setPayment('partially_captured');
    }
  }
  if (external) raiseExternalCapture(context, step, paymentIntentId, taken);
  return { facts: step.finish(), undone };
}

/**
 * A customer may confirm an earlier amount in the browser. A hold of another amount does not pay for the present one: it is not
 * booked, and the caller voids it.
 */
function refuseOtherAmount(context: AttemptContext, step: AttemptStep, paymentIntentId: string): Applied {
  step.change({ status: step.row.status, paymentIntentId, tombstone: true });
  step.finishAttempt();
  return { facts: context.record?.facts, undone: true };
}

function applyCanceled(step: AttemptStep, status: Status<'canceled'>, now: Date): Applied {
  const { row } = step;
  const { paymentIntentId } = status;
  // We seal an attempt before we cancel it at the provider, so somebody else has cancelled one that is not sealed.
  const reason = status.reason === 'other' && row.tombstoned ? 'voided' : status.reason;
  step.change({ status: reason === 'other' ? 'canceled' : reason, paymentIntentId });
  const key = reason === 'voided' ? operationKeys.void(paymentIntentId) : `expire:${paymentIntentId}`;
  step.move([movement(row, 'released', paymentIntentId, openAmount(row), now.toISOString(), key)]);
  step.undoCaptures(paymentIntentId);
  if (reason === 'other') stopForCancelledHold(step, status.providerReason ?? 'none');
  step.loseHold(reason);
  return { facts: step.finish(), undone: row.tombstoned };
}

function stopForCancelledHold(step: AttemptStep, reason: string): void {
  if (step.isCurrent) step.stopForPerson(`was cancelled at the payment provider (reason: ${reason})`);
}

function applyCaptured(
  context: AttemptContext,
  step: AttemptStep,
  input: RecordAttemptInput,
  status: Status<'captured'>,
  now: Date,
): Applied {
  const { row, order } = step;
  const { paymentIntentId, capturedAmount } = status;
  const undone = row.tombstoned;
  const taken = capturedAmount - row.capturedAmount;
  const external = undone || input.capturedElsewhere === true || !isPending(context, paymentIntentId);
  if (taken <= 0) return applyEnded(context, step, status, now);
  if (!external) return { facts: context.record?.facts, undone };
  const at = now.toISOString();
  const dates = row.authorizedAt === null ? { authorizedAt: at, captureBefore: at } : {};
  step.change({ status: 'captured', paymentIntentId, chargeId: input.chargeId, ...dates });
  const isNew = row.authorizedAmount === 0;
  const held = isNew ? (row.amount ?? capturedAmount) : row.authorizedAmount;
  const key = `external:${paymentIntentId}:${capturedAmount}`;
  step.move([
    movement(row, 'authorized', paymentIntentId, isNew ? held : 0, at, row.operationKey),
    movement(row, 'captured', paymentIntentId, taken, at, key),
    movement(row, 'released', paymentIntentId, held - row.releasedAmount - capturedAmount, at, key),
  ]);
  step.undoCaptures(paymentIntentId);
  if (order !== undefined) {
    const wasSettled = step.orderNeedsNoHold;
    if (step.isCurrent) order.dropHold();
    order.emit('PaymentCaptured', { paymentIntentId, amount: taken, currency: order.facts.currency, external: true });
    if (!wasSettled) payFromElsewhere(step);
  }
  raiseExternalCapture(context, step, paymentIntentId, taken);
  return { facts: step.finish(), undone };
}

/** The hold has ended and no more was captured than is recorded, e.g. when a partly captured hold expires. */
function applyEnded(context: AttemptContext, step: AttemptStep, status: Status<'captured'>, now: Date): Applied {
  const { row } = step;
  const { paymentIntentId } = status;
  const unchanged: Applied = { facts: context.record?.facts, undone: row.tombstoned };
  if (openAmount(row) === 0) return unchanged;
  // The result of our own capture under way is recorded with that capture.
  if (!row.tombstoned && context.pendingCaptures.some((one) => one.paymentIntentId === paymentIntentId))
    return unchanged;
  step.change({ status: 'captured', paymentIntentId });
  step.move([
    movement(row, 'released', paymentIntentId, openAmount(row), now.toISOString(), `expire:${paymentIntentId}`),
  ]);
  const { restCancelled } = status;
  const isDecision = restCancelled !== undefined && !row.tombstoned;
  if (isDecision) stopForCancelledHold(step, restCancelled);
  step.loseHold(isDecision ? 'other' : 'expired');
  return { facts: step.finish(), undone: row.tombstoned };
}

/** Books what money from elsewhere means for the order: it may pay for everything that is left. */
function payFromElsewhere(step: AttemptStep): void {
  const { order } = step;
  if (order === undefined) return;
  const { facts } = order;
  if (owedAmount(facts) > 0) {
    if (facts.paymentState !== 'payment_needed' && facts.hold === undefined) order.setPayment('expired');
    return;
  }
  order.supersedeHold();
  order.setPayment('captured');
  if (facts.state === 'placed' || facts.state === 'allocated') {
    order.moveTo('paid');
    order.emit('OrderPaid', { captured: facts.amounts.captured, currency: facts.currency });
  }
}

/** Is a capture of ours under way? If so, the capture itself finds out by its mark who captured the money. */
function isPending(context: AttemptContext, paymentIntentId: string): boolean {
  return context.pendingCaptures.some((one) => one.paymentIntentId === paymentIntentId);
}

/** Opens an exception for money that somebody else captured. The money counts towards what the order owes. */
export function raiseExternalCapture(
  context: AttemptContext,
  step: AttemptStep,
  paymentIntentId: string,
  amount: number,
): void {
  const { row, order } = step;
  const currency = row.currency ?? '';
  const { orderId, cartId } = row;
  const exception: RaiseExceptionInput = {
    orderId,
    workflowId: order === undefined && cartId !== null ? workflowIds.checkout(cartId) : workflowIds.order(orderId),
    kind: 'external_capture',
    message: `${formatMoney({ amount, currency })} of ${paymentIntentId} were captured outside of Holdfast: ship what they pay for, or refund them`,
    owner: 'payments',
    amountAtRisk: { amount, currency },
  };
  if (order === undefined) writeException(context.tx, exception, new Date().toISOString());
  else addException(context.tx, order, exception);
}

function writeResult(context: AttemptContext, row: AttemptRow, input: RecordAttemptInput, now: Date): void {
  const { card, status, chargeId } = input;
  const declined = status.status === 'declined' ? status : undefined;
  const paymentIntentId = 'paymentIntentId' in status ? (status.paymentIntentId ?? null) : null;
  context.tx.write(sql.result, [
    row.orderId,
    row.attempt,
    paymentIntentId,
    chargeId ?? null,
    card?.brand ?? null,
    card?.funding ?? null,
    card?.country ?? null,
    card?.networkStatus ?? null,
    declined === undefined ? 'authorized' : 'declined',
    declined?.declineCode ?? card?.declineCode ?? null,
    now,
  ]);
}

/** A ledger row of an attempt. */
export function movement(
  row: AttemptRow,
  kind: HoldMovement['kind'],
  paymentIntentId: string,
  amount: number,
  occurredAt: string,
  operationKey: string,
): HoldMovement {
  return { kind, attempt: row.attempt, paymentIntentId, amount, occurredAt, operationKey };
}
