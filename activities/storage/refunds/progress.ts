import type { Pool } from 'pg';
import { openDispute } from '../../../workflows/domain/dispute/dispute';
import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import {
  canPartTransition,
  isGivenUpByPerson,
  unresolvedAmount,
  type RefundPart,
  type RefundPartStatus,
} from '../../../workflows/domain/refund/refund';
import { failedMessage, failureInWords } from '../../../workflows/domain/refund/words';
import type { RefundChange } from '../../../workflows/refund/ports';
import { defect } from '../postgres/failures';
import { onRefund, RefundStep, unchanged, type RefundContext } from './step';
import type { BeginSendResult, PartInput, ProviderRefund } from './provider-refund';
import { statement } from '../postgres/statements';

const sql = {
  begin: statement('refund-send-begin'),
  undo: statement('operation-undo'),
  done: statement('operation-done'),
};

/** The last check before a part is sent: a part that was given up, or whose payment is disputed, is not sent. */
export async function beginSend(pool: Pool, clock: Date, input: PartInput): Promise<BeginSendResult> {
  const { refundId, part: number } = input;
  const key = operationKeys.refund(refundId, number);
  return onRefund(pool, refundId, async (context) => {
    const { tx, record, refund } = context;
    const step = stepOf(context, clock, input, 'send');
    const part = step.part(number);
    if (part.status !== 'begun') return { kind: 'done', change: unchanged(refund) };
    const { orderId, currency, reason } = refund;
    const { paymentIntentId, amount } = part;
    const dispute = openDispute(record.facts);
    const [sent] = await tx.query<{ sentAt: Date; undone: boolean }>(sql.begin, [key, orderId, paymentIntentId, clock]);
    if (sent === undefined) throw defect(`${key} was not written`);
    if (sent.undone) return { kind: 'done', change: unchanged(refund) };
    const isFirst = sent.sentAt.getTime() === clock.getTime();
    if (dispute !== undefined && isFirst) {
      tx.write(sql.undo, [key, 'refund', orderId, clock]);
      applyEnd(step, part, 'canceled', { failureReason: 'disputed' });
      return { kind: 'done', change: conclude(step, input.watchMs) };
    }
    return {
      kind: 'send',
      orderId,
      operationKey: key,
      paymentIntentId,
      amount,
      currency,
      reason,
      isAgain: !isFirst,
    };
  });
}

/** Records the provider's answer for a part: money, rows, events, notices and exceptions in one step. */
export async function recordAnswer(
  pool: Pool,
  clock: Date,
  input: PartInput & { readonly confirmed: boolean },
  answer: ProviderRefund,
): Promise<RefundChange> {
  return onRefund(pool, input.refundId, (context) => {
    const step = stepOf(context, clock, input, answer.status);
    const part = step.part(input.part);
    assertSame(part, answer);
    // The provider may revoke a success within seconds, so a success in the answer to the request counts only once it was fetched.
    const status = answer.status === 'succeeded' && !input.confirmed ? 'pending' : answer.status;
    // An older fetch that is recorded later changes nothing.
    if (!canPartTransition(part.status, status)) return unchanged(context.refund);
    if (!isNews(part, status, answer)) return unchanged(context.refund);
    applyAnswer(step, part, status, answer);
    const { orderId } = context.refund;
    const key = operationKeys.refund(input.refundId, input.part);
    context.tx.write(sql.done, [key, 'refund', orderId, part.paymentIntentId, clock]);
    return conclude(step, input.watchMs);
  });
}

/** Records that the provider refused the part: the money stays, and an exception gives the reason. */
export async function recordRefusal(
  pool: Pool,
  clock: Date,
  input: PartInput & { readonly reason: string },
): Promise<RefundChange> {
  return onRefund(pool, input.refundId, (context) => {
    const step = stepOf(context, clock, input, 'refused');
    const part = step.part(input.part);
    if (part.status !== 'begun') return unchanged(context.refund);
    applyEnd(step, part, 'failed', { failureReason: input.reason });
    const key = operationKeys.refund(input.refundId, input.part);
    context.tx.write(sql.done, [key, 'refund', context.refund.orderId, part.paymentIntentId, clock]);
    return conclude(step, input.watchMs);
  });
}

export function stepOf(
  { tx, record, refund }: RefundContext,
  clock: Date,
  input: { readonly refundId: string; readonly now: string; readonly part?: number },
  action: string,
  actor = 'payment provider',
): RefundStep {
  const operationKey =
    input.part === undefined ? `refund:${input.refundId}` : operationKeys.refund(input.refundId, input.part);
  return new RefundStep(
    tx,
    record,
    refund,
    { operationKey, action: `refund ${action}`, actor, nowIso: input.now },
    clock,
  );
}

function assertSame(part: RefundPart, { providerRefundId, amount, paymentIntentId }: ProviderRefund): void {
  if (part.providerRefundId !== undefined && part.providerRefundId !== providerRefundId) {
    throw defect(
      `the provider reports ${providerRefundId} for a part that is recorded as ${part.providerRefundId}: it may have been refunded twice`,
    );
  }
  if (part.amount !== amount || part.paymentIntentId !== paymentIntentId) {
    throw defect(
      `${providerRefundId} refunds ${amount} of ${paymentIntentId}, not ${part.amount} of ${part.paymentIntentId}`,
    );
  }
}

function isNews(part: RefundPart, status: RefundPartStatus, answer: ProviderRefund): boolean {
  return (
    part.status !== status ||
    part.providerRefundId !== answer.providerRefundId ||
    part.pendingReason !== answer.pendingReason ||
    part.failureBalanceTransaction !== (answer.failureBalanceTransaction ?? part.failureBalanceTransaction)
  );
}

function applyAnswer(step: RefundStep, part: RefundPart, status: RefundPartStatus, answer: ProviderRefund): void {
  const { providerRefundId, pendingReason, failureBalanceTransaction, createdAt } = answer;
  step.changePart(part.part, {
    providerRefundId,
    pendingReason,
    createdAt: part.createdAt ?? createdAt,
    ...(failureBalanceTransaction !== undefined && { failureBalanceTransaction }),
  });
  if (answer.status === 'pending') step.notifyCustomer('on_its_way', 'refund_on_its_way', step.refund.amount);
  if (status === part.status) return;
  if (status === 'succeeded') return applySuccess(step, part);
  if (status === 'failed' || status === 'canceled') {
    const reason = answer.failureReason ?? (status === 'canceled' ? 'canceled' : 'unknown');
    return applyEnd(step, { ...part, createdAt: part.createdAt ?? createdAt }, status, { failureReason: reason });
  }
  step.changePart(part.part, { status });
  if (status === 'requires_action') applyActionNeeded(step, part, answer.actBefore);
}

function applySuccess(step: RefundStep, part: RefundPart): void {
  step.changePart(part.part, { status: 'succeeded', settledAt: step.nowIso });
  step.book('refunded', part);
  step.order.emit('RefundSucceeded', { ...partData(step, part) });
}

/**
 * Ends a part: its money stays with the shop or has come back. The customer is notified if the provider had accepted the refund.
 * @param wasBooked false if the ledger has no entry of it
 */
export function applyEnd(
  step: RefundStep,
  part: RefundPart,
  status: 'failed' | 'canceled',
  { failureReason }: { readonly failureReason: string },
  wasBooked = true,
): void {
  const afterSuccess = part.status === 'succeeded';
  step.changePart(part.part, { status, failureReason, settledAt: step.nowIso });
  step.endedNow.push(part.part);
  if (wasBooked) step.book(afterSuccess ? 'refund_reversed' : 'refund_failed', part);
  const about = { ...partData(step, part), reason: failureReason };
  if (status === 'failed') step.order.emit('RefundFailed', { ...about, afterSuccess });
  else step.order.emit('RefundCanceled', about);
  if (part.createdAt !== undefined) step.notifyCustomer(`delayed:${part.part}`, 'refund_delayed', part.amount);
}

function partData({ refund }: RefundStep, { part, paymentIntentId, amount }: RefundPart) {
  return { refundId: refund.refundId, part, paymentIntentId, amount, currency: refund.currency };
}

const ACTION_WAYS = ['wait: the customer has been asked to act', 'cancel the refund, then choose another way'] as const;

function applyActionNeeded(step: RefundStep, part: RefundPart, until: string | undefined): void {
  const before = until === undefined ? '' : ` before ${until}`;
  const problem = `The customer must act${before} so that ${step.money(part.amount)} of refund ${step.refund.refundId} can be paid`;
  step.raise(
    'refund_action_needed',
    `${problem}: wait for that, or cancel the refund and choose another way.`,
    part.amount,
  );
  step.notifyCustomer('action_needed', 'refund_action_needed', part.amount, until === undefined ? {} : { until });
  step.notifyShop(`action_needed:${part.part}`, `${problem}.`, part.amount, ACTION_WAYS);
}

/** Updates exceptions and notices of the whole refund, and writes everything. */
export function conclude(step: RefundStep, watchMs: number): RefundChange {
  const { parts } = step.refund;
  const isUnderWay = parts.some((one) => ['begun', 'pending', 'requires_action'].includes(one.status));
  const given = parts.reduce((sum, one) => sum + (one.status === 'succeeded' ? one.amount : 0), 0);
  if (!parts.some((one) => one.status === 'requires_action')) {
    step.closeExceptions('refund_action_needed');
    step.cancelNotices('refund_action_needed');
  }
  if (!parts.some((one) => one.status === 'begun')) step.closeExceptions('refund_unknown');
  if (!isUnderWay) {
    step.closeExceptions('refund_overdue');
    step.cancelNotices('refund_on_its_way');
    if (given > 0) step.notifyCustomer('done', 'refund_done', given);
    else step.cancelNotices('refund_done');
  }
  if (given > 0 && step.refund.watchUntil === undefined) {
    step.change({ watchUntil: new Date(Date.parse(step.nowIso) + watchMs).toISOString() });
  }
  if (step.endedNow.length > 0) raiseFailure(step);
  return step.finish();
}

/** Opens an exception for the unresolved amount after a part has failed, unless a person gave the refund up. */
function raiseFailure(step: RefundStep): void {
  if (isGivenUpByPerson(step.refund)) return;
  const amount = unresolvedAmount(step.refund);
  step.raise('refund_failed', failedMessage(step.refund), amount);
  step.notifyShop(`failed:${step.endedNow.join('+')}`, `The refund failed: ${failureInWords(step.refund)}.`, amount);
}
