import type { Pool } from 'pg';
import { openDispute } from '../../../workflows/domain/dispute/dispute';
import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import {
  CANCELED_BY_PERSON,
  isUnresolved,
  isInProgress,
  refundable,
  unresolvedAmount,
  type RefundFacts,
  type RefundResolution,
} from '../../../workflows/domain/refund/refund';
import { splitRefund } from '../../../workflows/domain/refund/plan';
import type {
  FlagRefundInput,
  RefundChange,
  ResolveRefundResult,
  WithdrawRefundInput,
} from '../../../workflows/refund/ports';
import { announceAbandoned, readSituation } from './begin';
import { applyEnd, conclude, stepOf } from './progress';
import { onRefund, unchanged, type RefundContext, type RefundStep } from './step';
import { statement } from '../postgres/statements';
import { workflowIds } from '../../../workflows/kit/names';

const sql = {
  sent: statement('refund-sent-keys'),
  undo: statement('operation-undo'),
  claim: statement('operation-claim'),
  done: statement('operation-done'),
};

/** A refund that was never sent cannot succeed, so it need not be watched. */
const NO_WATCH_MS = 0;

/** Gives up the parts that were never sent, with a tombstone for each, so that a late request is not sent. */
export async function withdrawRefund(pool: Pool, clock: Date, input: WithdrawRefundInput): Promise<RefundChange> {
  const { refundId, reason, actor } = input;
  return onRefund(pool, refundId, async (context) => {
    const { tx, refund } = context;
    const step = stepOf(context, clock, input, 'withdraw', actor);
    if (refund.state === 'waiting') {
      step.change({ endedReason: reason });
      if (reason !== CANCELED_BY_PERSON) announceAbandoned(step);
      else step.order.emit('RefundCanceled', { refundId, amount: refund.amount, currency: refund.currency, reason });
      return step.finish();
    }
    const begun = refund.parts.filter((part) => part.status === 'begun');
    const keys = begun.map((part) => operationKeys.refund(refundId, part.part));
    const sent = new Set((await tx.query<{ operationKey: string }>(sql.sent, [keys])).map((row) => row.operationKey));
    const unsent = begun.filter((part) => !sent.has(operationKeys.refund(refundId, part.part)));
    if (unsent.length === 0) return unchanged(refund);
    for (const part of unsent) {
      tx.write(sql.undo, [operationKeys.refund(refundId, part.part), 'refund', refund.orderId, clock]);
      applyEnd(step, part, 'canceled', { failureReason: reason });
    }
    return conclude(step, NO_WATCH_MS);
  });
}

/** Opens an exception for a refund that is overdue or whose outcome is unknown. Safe to repeat. */
export async function flagRefund(pool: Pool, clock: Date, input: FlagRefundInput): Promise<RefundChange> {
  const { problem } = input;
  if (problem === 'unreadable') return flagUnreadable(pool, clock, input);
  const operationKey = `exception:refund:${input.refundId}:${problem}`;
  return onRefund(pool, input.refundId, async (context) => {
    const { tx, refund } = context;
    const isTrue = problem === 'overdue' ? isInProgress(refund) : refund.parts.some((one) => one.status === 'begun');
    if (!isTrue) return unchanged(refund);
    const [claim] = await tx.query<{ done: boolean }>(sql.claim, [operationKey, 'exception', refund.orderId, clock]);
    if (claim?.done === true) return unchanged(refund);
    tx.write(sql.done, [operationKey, 'exception', refund.orderId, null, clock]);
    const step = stepOf(context, clock, input, problem, 'holdfast');
    const text = problem === 'overdue' ? overdueText(refund) : unknownText(refund);
    step.raise(problem === 'overdue' ? 'refund_overdue' : 'refund_unknown', `${text} Holdfast keeps asking.`);
    step.notifyShop(problem, text, refund.amount, UNSETTLED_WAYS);
    return step.finish();
  });
}

/** Has no operation key: a look that succeeds closes the exception, and it may be needed again. */
function flagUnreadable(pool: Pool, clock: Date, input: FlagRefundInput): Promise<RefundChange> {
  return onRefund(pool, input.refundId, (context) => {
    const { record, refund } = context;
    const { refundId, state } = refund;
    const workflowId = workflowIds.refund(refundId);
    const isOpen = record.openExceptions.some((one) => one.kind === 'refund_unknown' && one.workflowId === workflowId);
    if (isOpen) return unchanged(refund);
    const ids = refund.parts.flatMap((part) => part.providerRefundId ?? []).join(', ');
    const text = `Refund ${refundId} (${ids}) is ${state} here, and its state at the payment provider cannot be read.`;
    const step = stepOf(context, clock, input, 'unreadable', 'holdfast');
    step.raise('refund_unknown', `${text} Holdfast keeps asking.`);
    step.notifyShop(`unreadable:${input.now}`, text, refund.amount, UNSETTLED_WAYS);
    return step.finish();
  });
}

const UNSETTLED_WAYS = ['wait: Holdfast keeps asking', "look at the payment in the payment provider's dashboard"];

function overdueText({ refundId, settleBy, state }: RefundFacts): string {
  return `Refund ${refundId} should have been completed by ${settleBy} and is still ${state}.`;
}

function unknownText({ refundId, parts }: RefundFacts): string {
  const open = parts.filter((one) => one.status === 'begun').map((one) => one.paymentIntentId);
  return `It is not known whether the payment provider has made refund ${refundId} on ${open.join(', ')}.`;
}

/** Records how a person has resolved a refund that failed. Safe to repeat. */
export async function resolveRefund(
  pool: Pool,
  clock: Date,
  { refundId, resolution }: { readonly refundId: string; readonly resolution: RefundResolution },
): Promise<ResolveRefundResult> {
  return onRefund(pool, refundId, async (context) => {
    const { refund, record } = context;
    const amount = unresolvedAmount(refund);
    if (amount === 0 && sameResolution(refund.resolution, resolution)) {
      return { outcome: 'resolved', ...unchanged(refund) };
    }
    if (amount === 0) {
      return refuse('nothing_to_resolve', `Refund ${refundId} is ${refund.state}: nothing is left to resolve.`);
    }
    const step = stepOf(context, clock, { refundId, now: resolution.at }, resolution.action, resolution.actor);
    if (resolution.action === 'manual_transfer') {
      const dispute = openDispute(record.facts);
      if (dispute !== undefined) {
        return refuse(
          'disputed',
          `Nothing can be refunded while dispute ${dispute.disputeId} is open, because the bank decides.`,
        );
      }
      const refusal = await bookOutside(context, step, amount);
      if (refusal !== undefined) return refusal;
    }
    for (const { part } of refund.parts.filter(isUnresolved)) step.changePart(part, { resolvedAt: resolution.at });
    step.change({ resolution });
    step.closeExceptions('refund_failed', 'refund_overdue', 'refund_unknown');
    step.cancelNotices('refund_needs_a_person');
    const { action, actor, reference } = resolution;
    step.order.emit('RefundResolved', {
      ...{ refundId, amount, currency: refund.currency, action, actor },
      ...(reference !== undefined && { reference }),
    });
    return { outcome: 'resolved', ...step.finish() };
  });
}

/** Books money that was refunded in another way; refuses more than the order has left, e.g. after other refunds. */
async function bookOutside(
  { tx, record }: RefundContext,
  step: RefundStep,
  amount: number,
): Promise<Extract<ResolveRefundResult, { outcome: 'refused' }> | undefined> {
  const { refundId } = step.refund;
  const { payments } = await readSituation(tx, record, refundId);
  const left = payments.reduce((sum, payment) => sum + refundable(payment), 0);
  if (amount > left) {
    return refuse(
      'exceeds_refundable',
      `Only ${step.money(left)} of the order's money are left, not ${step.money(amount)}: other refunds have used the rest.`,
    );
  }
  const resolved = step.refund.parts.filter((one) => one.resolvedAt !== undefined).length;
  // The provider is not involved, so its minimum amounts do not apply.
  for (const part of splitRefund(payments, amount)) {
    step.order.move([
      {
        kind: 'refunded_outside',
        ...part,
        occurredAt: step.nowIso,
        // Another part of the same refund may fail and be resolved later.
        operationKey: `refund:${refundId}:outside:${resolved}:${part.attempt}`,
      },
    ]);
  }
  return undefined;
}

function sameResolution(known: RefundResolution | undefined, asked: RefundResolution): boolean {
  return known?.action === asked.action && known.reference === asked.reference;
}

function refuse(
  reason: Extract<ResolveRefundResult, { outcome: 'refused' }>['reason'],
  message: string,
): Extract<ResolveRefundResult, { outcome: 'refused' }> {
  return { outcome: 'refused', reason, message };
}
