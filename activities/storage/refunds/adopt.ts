import type { Pool } from 'pg';
import { formatMoney } from '../../../workflows/domain/shared/money';
import { refundable, type RefundFacts, type RefundPolicy } from '../../../workflows/domain/refund/refund';
import { isTerminal } from '../../../workflows/domain/order/state';
import { workflowIds } from '../../../workflows/kit/names';
import type { AdoptRefundResult } from '../../../workflows/refund/ports';
import { transact, type Transaction } from '../postgres/database';
import { addException, closeExceptions } from '../exceptions/exceptions';
import { lockOrder, OrderStep } from '../orders/step';
import type { OrderRecord } from '../orders/record';
import { readSituation } from './begin';
import { applyEnd, conclude } from './progress';
import { REFUND_OWNER, RefundStep } from './step';
import type { ProviderRefund } from './provider-refund';
import { statement } from '../postgres/statements';
import type { AttemptRow } from '../payments/attempts';

const sql = { byIntent: statement('attempt-by-intent') };

/** The actor of refunds that were made outside of Holdfast. */
const ELSEWHERE = 'elsewhere';

/**
 * Records a refund that somebody made at the provider without us. If our ledger does not have that much left (because a refund of
 * ours has reserved it, which the provider will refuse), nothing is recorded yet: no order may be refunded more than was captured.
 * An exception is opened instead.
 */
export async function adoptRefund(
  pool: Pool,
  clock: Date,
  answer: ProviderRefund,
  now: string,
  policy: RefundPolicy,
): Promise<AdoptRefundResult> {
  return transact(pool, async (tx) => {
    const [attempt] = await tx.query<AttemptRow>(sql.byIntent, [answer.paymentIntentId]);
    const record = attempt && (await lockOrder(tx, attempt.orderId));
    if (attempt === undefined || record === undefined) return { outcome: 'not_ours' };
    const refundId = answer.providerRefundId;
    const known = record.facts.refunds?.find((one) => one.refundId === refundId);
    const tell = !isTerminal(record.facts.state);
    if (known !== undefined) return { outcome: 'adopted', refund: known, tell };
    const { payments } = await readSituation(tx, record, refundId);
    const payment = payments.find((one) => one.paymentIntentId === answer.paymentIntentId);
    // The refund was made, even if part of the payment is disputed.
    const left = payment === undefined ? 0 : refundable({ ...payment, disputed: 0 });
    const isOver = answer.status === 'failed' || answer.status === 'canceled';
    if (payment === undefined || (left < answer.amount && !isOver)) {
      const isNews = raiseMismatch(tx, record, answer, left, now);
      return { outcome: 'mismatch', orderId: record.facts.orderId, tell: tell && isNews };
    }
    const step = newStep(tx, record, clock, adoptedRefund(record, payment.attempt, answer, now, policy));
    closeExceptions(tx, step.order, workflowIds.refund(refundId), ['refund_mismatch']);
    return { outcome: 'adopted', ...recordAdopted(step, answer, policy, left >= answer.amount) };
  });
}

function adoptedRefund(
  record: OrderRecord,
  attempt: number,
  answer: ProviderRefund,
  now: string,
  policy: RefundPolicy,
): RefundFacts {
  const { providerRefundId, paymentIntentId, amount, currency, pendingReason, createdAt } = answer;
  return {
    refundId: providerRefundId,
    orderId: record.facts.orderId,
    state: 'pending',
    amount,
    currency,
    reason: 'made at the payment provider',
    actor: ELSEWHERE,
    parts: [
      {
        ...{ part: 1, attempt, paymentIntentId, amount, status: 'pending', providerRefundId, createdAt },
        ...(pendingReason !== undefined && { pendingReason }),
      },
    ],
    requestedAt: now,
    settleBy: new Date(Date.parse(now) + policy.settleLimitMs).toISOString(),
  };
}

function newStep(tx: Transaction, record: OrderRecord, clock: Date, refund: RefundFacts): RefundStep {
  const cause = {
    operationKey: `refund:${refund.refundId}:1`,
    action: 'refund adopted',
    actor: ELSEWHERE,
    nowIso: refund.requestedAt,
  };
  return new RefundStep(tx, record, refund, cause, clock);
}

/** Records the refund as pending, and its later states like those of any other refund. One that is already over moves no money. */
function recordAdopted(step: RefundStep, answer: ProviderRefund, policy: RefundPolicy, fits: boolean) {
  const { refundId, amount, currency, reason, actor } = step.refund;
  step.order.emit('RefundPending', { refundId, amount, currency, reason, actor });
  if (fits) {
    step.book('refund_pending', step.part(1));
    return step.finish();
  }
  const { status, failureReason = 'unknown' } = answer;
  applyEnd(step, step.part(1), status === 'canceled' ? 'canceled' : 'failed', { failureReason }, false);
  return conclude(step, policy.watchMs);
}

/** Opens an exception; false if it was open already. */
function raiseMismatch(
  tx: Transaction,
  record: OrderRecord,
  answer: ProviderRefund,
  left: number,
  now: string,
): boolean {
  const { providerRefundId, paymentIntentId, amount, currency } = answer;
  const { orderId } = record.facts;
  const workflowId = workflowIds.refund(providerRefundId);
  if (record.openExceptions.some((one) => one.kind === 'refund_mismatch' && one.workflowId === workflowId))
    return false;
  const operationKey = `refund:${providerRefundId}`;
  const step = new OrderStep(tx, record, { operationKey, action: 'refund mismatch', actor: ELSEWHERE, nowIso: now });
  const [given, there] = [amount, left].map((value) => formatMoney({ amount: value, currency }));
  const message = `${providerRefundId} refunded ${given} of ${paymentIntentId} outside of Holdfast, whose ledger has only ${there} left of it: check whether the customer was refunded twice. The refund is recorded as soon as the ledger has enough left.`;
  const amountAtRisk = { amount: amount - left, currency };
  addException(tx, step, { orderId, workflowId, kind: 'refund_mismatch', message, owner: REFUND_OWNER, amountAtRisk });
  step.finish();
  return true;
}
