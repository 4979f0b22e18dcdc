import { iso } from '../domain/shared/deadlines';
import { CANCELED_BY_PERSON, unresolvedAmount, type RefundFacts, type RefundResolution } from '../domain/refund/refund';
import { startRefund } from './child';
import { cancelAtProvider, records, type RefundLifecycle } from './lifecycle';
import type { CancelRefundCommand, RefundCommandAnswer, ResolveRefundCommand } from './messages';
import type { RefundRequest } from '../domain/refund/request';

/* Commands of people for a refund that failed or waits, and what a dispute of its payment does to it. */

/** A person's way out of a refund that failed. Another refund has an id of its own and is reserved before this one is closed. */
export async function resolve(life: RefundLifecycle, command: ResolveRefundCommand): Promise<RefundCommandAnswer> {
  const { action, actor, reference } = command;
  if (action === 'another_refund') return refundAgain(life, actor);
  const resolution = { action, actor, ...(reference !== undefined && { reference }), at: iso(Date.now()) };
  return record(life, resolution);
}

async function record(life: RefundLifecycle, resolution: RefundResolution): Promise<RefundCommandAnswer> {
  life.step = `resolving what failed: ${resolution.action}`;
  const result = await records.resolveRefund({ refundId: life.refundId, resolution });
  if (result.outcome === 'refused') return { accepted: false, reason: result.reason, message: result.message };
  life.set(result);
  return answer(life);
}

async function refundAgain(life: RefundLifecycle, actor: string): Promise<RefundCommandAnswer> {
  const { facts: refund, policy } = life;
  const amount = unresolvedAmount(refund);
  const done = refund.resolution?.action === 'another_refund' ? refund.resolution : undefined;
  if (amount === 0) {
    // It may be recorded without having been started: what is reserved must have its workflow.
    if (done?.reference !== undefined) {
      await startRefund(refund.orderId, done.reference, { resume: done.reference, policy });
      return answer(life);
    }
    const message = `Refund ${refund.refundId} is ${refund.state}: nothing of it is to be resolved.`;
    return { accepted: false, reason: 'nothing_to_resolve', message };
  }
  const { orderId, reason, currency } = refund;
  const request: RefundRequest = { refundId: nextRefundId(refund), orderId, amount, currency, reason, actor };
  life.step = `refunding again as ${request.refundId}`;
  const begun = await records.beginRefund({ request, policy, now: iso(Date.now()) });
  if (begun.outcome === 'refused') return { accepted: false, reason: begun.reason, message: begun.message };
  const resolution = { action: 'another_refund', actor, reference: request.refundId, at: iso(Date.now()) } as const;
  const recorded = await record(life, resolution);
  await startRefund(orderId, request.refundId, { request, policy });
  return recorded;
}

/** `rf_1` → `rf_1-2` → `rf_1-3`. Parts that fail one after the other are each refunded again under the next number. */
function nextRefundId({ refundId, resolution }: RefundFacts): string {
  const last = resolution?.action === 'another_refund' ? (resolution.reference ?? refundId) : refundId;
  const [, base = last, number = '1'] = /^(.*)-(\d+)$/.exec(last) ?? [];
  return `${base}-${Number(number) + 1}`;
}

/** A person's cancel: the answer says whether it changed anything. */
export async function cancel(life: RefundLifecycle, { actor }: CancelRefundCommand): Promise<RefundCommandAnswer> {
  const before = JSON.stringify(life.facts);
  life.step = 'canceling';
  await cancelOpenParts(life, CANCELED_BY_PERSON, actor);
  if (JSON.stringify(life.facts) !== before || life.facts.state === 'canceled') return answer(life);
  const message = `Refund ${life.refundId} is ${life.facts.state}: it can no longer be canceled.`;
  return { accepted: false, reason: 'too_late', message };
}

/** The payment is disputed: from now on the bank decides about its money. */
export async function yieldToDispute(life: RefundLifecycle): Promise<void> {
  life.step = 'canceling what can be canceled, since the payment is disputed';
  await cancelOpenParts(life, 'disputed', 'holdfast');
}

/** Withdraws the parts that were not sent, and cancels at the provider those that wait for the customer. */
async function cancelOpenParts(life: RefundLifecycle, reason: string, actor: string): Promise<void> {
  const has = (status: string): boolean => life.facts.parts.some((part) => part.status === status);
  if (life.facts.state === 'waiting' || has('begun')) {
    life.set(await records.withdrawRefund({ ...life.now, reason, actor }));
  }
  if (has('requires_action')) life.set(await cancelAtProvider(life));
}

function answer(life: RefundLifecycle): RefundCommandAnswer {
  const { resolution } = life.facts;
  return { ...life.answer(), ...(resolution !== undefined && { resolution }) };
}
