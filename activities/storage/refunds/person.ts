import type { Pool } from 'pg';
import { openDispute } from '../../../workflows/domain/dispute/dispute';
import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import {
  CANCELED_BY_PERSON,
  isUnresolved,
  isUnsettled,
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
import { abandon, readSituation } from './begin';
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

/** Refunds of which nothing is known at the provider have no success to be watched. */
const NO_WATCH_MS = 0;

/** Gives up what was never sent, with a tombstone each, so that a late send does not land. */
export async function withdrawRefund(pool: Pool, clock: Date, input: WithdrawRefundInput): Promise<RefundChange> {
  const { refundId, reason, actor } = input;
  return onRefund(pool, refundId, async (context) => {
    const { tx, refund } = context;
    const step = stepOf(context, clock, input, 'withdraw', actor);
    if (refund.state === 'waiting') {
      step.change({ endedReason: reason });
      if (reason !== CANCELED_BY_PERSON) abandon(step);
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

/** Tells a person what is not settled; once, whatever is repeated. */
export async function flagRefund(pool: Pool, clock: Date, input: FlagRefundInput): Promise<RefundChange> {
  const { problem } = input;
  if (problem === 'unreadable') return flagUnreadable(pool, clock, input);
  const operationKey = `exception:refund:${input.refundId}:${problem}`;
  return onRefund(pool, input.refundId, async (context) => {
    const { tx, refund } = context;
    const isTrue = problem === 'overdue' ? isUnsettled(refund) : refund.parts.some((one) => one.status === 'begun');
    if (!isTrue) return unchanged(refund);
    const [claim] = await tx.query<{ done: boolean }>(sql.claim, [operationKey, 'exception', refund.orderId, clock]);
    if (claim?.done === true) return unchanged(refund);
    tx.write(sql.done, [operationKey, 'exception', refund.orderId, null, clock]);
    const step = stepOf(context, clock, input, problem, 'holdfast');
    const text = problem === 'overdue' ? overdueText(refund) : unknownText(refund);
    step.raise(problem === 'overdue' ? 'refund_overdue' : 'refund_unknown', `${text} It goes on being asked for.`);
    step.tellShop(problem, text, refund.amount, UNSETTLED_WAYS);
    return step.finish();
  });
}

/** Told while it is no open case: a look that works closes it, and it may be true again. */
function flagUnreadable(pool: Pool, clock: Date, input: FlagRefundInput): Promise<RefundChange> {
  return onRefund(pool, input.refundId, (context) => {
    const { record, refund } = context;
    const { refundId, state } = refund;
    const workflowId = workflowIds.refund(refundId);
    const isOpen = record.openExceptions.some((one) => one.kind === 'refund_unknown' && one.workflowId === workflowId);
    if (isOpen) return unchanged(refund);
    const ids = refund.parts.flatMap((part) => part.providerRefundId ?? []).join(', ');
    const text = `Refund ${refundId} (${ids}) is ${state} here, and the payment provider does not say how it stands there.`;
    const step = stepOf(context, clock, input, 'unreadable', 'holdfast');
    step.raise('refund_unknown', `${text} It goes on being asked for.`);
    step.tellShop(`unreadable:${input.now}`, text, refund.amount, UNSETTLED_WAYS);
    return step.finish();
  });
}

const UNSETTLED_WAYS = ['wait: Holdfast goes on asking', "look at the payment in the payment provider's dashboard"];

function overdueText({ refundId, settleBy, state }: RefundFacts): string {
  return `Refund ${refundId} was to be settled by ${settleBy} and is ${state} still.`;
}

function unknownText({ refundId, parts }: RefundFacts): string {
  const open = parts.filter((one) => one.status === 'begun').map((one) => one.paymentIntentId);
  return `It is not known whether the payment provider took refund ${refundId} on ${open.join(', ')}.`;
}

/** A person's settlement of what failed. Told again, the same answer. */
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
      return refuse('nothing_to_resolve', `Refund ${refundId} is ${refund.state}: nothing of it is to be settled.`);
    }
    const step = stepOf(context, clock, { refundId, now: resolution.at }, resolution.action, resolution.actor);
    if (resolution.action === 'manual_transfer') {
      const dispute = openDispute(record.facts);
      if (dispute !== undefined) {
        return refuse(
          'disputed',
          `Nothing is given back while dispute ${dispute.disputeId} is open: the bank decides.`,
        );
      }
      const refusal = await bookOutside(context, step, amount);
      if (refusal !== undefined) return refusal;
    }
    for (const { part } of refund.parts.filter(isUnresolved)) step.changePart(part, { resolvedAt: resolution.at });
    step.change({ resolution });
    step.settle('refund_failed', 'refund_overdue', 'refund_unknown');
    step.untell('refund_needs_a_person');
    const { action, actor, reference } = resolution;
    step.order.emit('RefundResolved', {
      ...{ refundId, amount, currency: refund.currency, action, actor },
      ...(reference !== undefined && { reference }),
    });
    return { outcome: 'resolved', ...step.finish() };
  });
}

/** Money that went back in another way: no more than there is, whatever other refunds have taken meanwhile. */
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
      `${step.money(left)} of the order's money are left, not ${step.money(amount)}: other refunds have taken the rest.`,
    );
  }
  const resolved = step.refund.parts.filter((one) => one.resolvedAt !== undefined).length;
  // No provider is asked: what a bank left of the smallest unit counts, too.
  for (const part of splitRefund(payments, amount)) {
    step.order.move([
      {
        kind: 'refunded_outside',
        ...part,
        occurredAt: step.nowIso,
        // Another part of the same refund may fail, and be settled, later.
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
