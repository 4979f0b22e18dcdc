import type { Pool } from 'pg';
import { isOpen, isDisputeOver, isUndecided } from '../../../workflows/domain/dispute/dispute';
import type {
  DisputeFacts,
  DisputeMovement,
  DisputeRecord,
  DisputeSnapshot,
} from '../../../workflows/domain/dispute/dispute';
import { disputeWaiting } from '../../../workflows/domain/dispute/plan';
import { formatMoney } from '../../../workflows/domain/shared/money';
import type { ExceptionKind } from '../../../workflows/domain/exception/exception';
import { remainingLines } from '../../../workflows/domain/order/order';
import { isTerminal } from '../../../workflows/domain/order/state';
import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import { workflowIds } from '../../../workflows/kit/names';
import { transact, type Transaction } from '../postgres/database';
import { isNews, mergeDispute, type DisputeOwner, type MergedDispute } from './merge';
import { factsOf, loadDispute, type KeptDispute } from './record';
import { addException, closeExceptions } from '../exceptions/exceptions';
import { defect } from '../postgres/failures';
import { cancelNotices, queueNotice } from '../notices/notices';
import { lockKnownOrder, OrderStep, type LedgerMovement } from '../orders/step';
import { statement } from '../postgres/statements';

const sql = { order: statement('dispute-order'), record: statement('dispute-record') };

/** The owner of the exceptions of disputes. */
export const DISPUTE_OWNER = 'payments';

/**
 * Records a dispute as the provider shows it: its row, its money in the ledger, the order's facts, events, notices and the audit
 * entry, all in one transaction. A repeated answer, or an older one after a newer one, changes nothing. Undefined if the payment is
 * not ours.
 *
 * @param clock this computer's time; @param nowIso the time of the workflow that follows the dispute
 */
export async function recordDispute(
  pool: Pool,
  clock: Date,
  snapshot: DisputeSnapshot,
  nowIso: string,
): Promise<DisputeRecord | undefined> {
  return transact(pool, async (tx) => {
    const [owner] = await tx.query<Omit<DisputeOwner, 'orderState'>>(sql.order, [snapshot.paymentIntentId]);
    if (owner === undefined) return undefined;
    const [order, before] = await Promise.all([lockKnownOrder(tx, owner.orderId), loadDispute(tx, snapshot.disputeId)]);
    if (before !== undefined && before.fetchedAt > snapshot.fetchedAt) return before.record;
    const merged = mergeDispute(before, snapshot, { ...owner, orderState: order.facts.state }, nowIso);
    if (!isNews(before, merged)) return merged.next.record;
    const { next } = merged;
    const step = new OrderStep(tx, order, {
      operationKey: `dispute:${snapshot.disputeId}:${snapshot.providerStatus}`,
      action: `dispute ${next.record.stage}`,
      actor: 'payment provider',
      nowIso,
    });
    writeDispute(tx, next, clock);
    step.move(merged.movements.map((one) => ledgerMovement(next, one)));
    step.patch({ disputes: withDispute(step.facts.disputes ?? [], factsOf(next.record)) });
    emitEvents(step, merged);
    updateExceptions(tx, step, merged);
    queueNotices(tx, merged, clock, nowIso);
    step.finish();
    return reload(tx, snapshot.disputeId);
  });
}

/** Reads the dispute back after the writes of a step. */
export async function reload(tx: Transaction, disputeId: string): Promise<DisputeRecord> {
  const kept = await loadDispute(tx, disputeId);
  if (kept === undefined) throw defect(`dispute ${disputeId} was recorded and cannot be read back`);
  return kept.record;
}

function writeDispute(tx: Transaction, kept: KeptDispute, clock: Date): void {
  const { record: one } = kept;
  const waiting = disputeWaiting(one);
  tx.write(sql.record, [
    ...[one.disputeId, one.orderId, kept.attempt, one.paymentIntentId, kept.chargeId, one.amount, one.currency],
    ...[one.reason, one.isInquiry, one.providerStatus, one.stage, one.openedAt, one.dueBy ?? null, one.round],
    ...[one.roundBeganAt, kept.submissionCount, kept.roundSubmissions, one.feeAmount, one.feeCurrency],
    ...[one.evidenceCollectedAt ?? null, one.warnedMs, one.decision ? JSON.stringify(one.decision) : null],
    ...[one.submittedAt ?? null, one.closedAt ?? null],
    ...[waiting?.on ?? null, waiting?.until ?? null, waiting?.why ?? null, kept.fetchedAt, clock],
    kept.chargeRefundable,
  ]);
}

function ledgerMovement({ record, attempt }: KeptDispute, moved: DisputeMovement): LedgerMovement {
  return {
    kind: moved.direction === 'withdrawn' ? 'dispute_withdrawn' : 'dispute_reinstated',
    attempt,
    paymentIntentId: record.paymentIntentId,
    amount: moved.amount,
    occurredAt: moved.at,
    operationKey: operationKeys.disputeMoney(record.disputeId, moved.balanceTransactionId),
  };
}

function withDispute(all: readonly DisputeFacts[], facts: DisputeFacts): DisputeFacts[] {
  const key = (one: DisputeFacts): string => `${one.openedAt} ${one.disputeId}`;
  return [...all.filter((one) => one.disputeId !== facts.disputeId), facts].sort((one, other) =>
    key(one) < key(other) ? -1 : 1,
  );
}

function emitEvents(step: OrderStep, merged: MergedDispute): void {
  const { record } = merged.next;
  const { disputeId, paymentIntentId, amount, currency, round } = record;
  const about = { disputeId, paymentIntentId, amount, currency };
  if (merged.isNewRound) {
    const { reason, isInquiry: inquiry, dueBy = null } = record;
    step.emit('DisputeOpened', { ...about, reason, inquiry, dueBy, round });
  }
  for (const { direction, amount: moved, fee, feeCurrency } of merged.movements) {
    step.emit('DisputeFundsMoved', { ...about, direction, moved, fee, feeCurrency });
  }
  if (merged.isNewlySubmitted) {
    const { decision } = record;
    const actor = decision?.action === 'submit' ? decision.actor : 'elsewhere';
    step.emit('DisputeEvidenceSubmitted', { ...about, actor, round });
  }
  if (merged.isNewlyClosed) step.emit('DisputeClosed', { ...about, outcome: record.stage });
}

/** Closes exceptions that no longer apply, and opens one for the unshipped lines of a lost dispute. */
function updateExceptions(
  tx: Transaction,
  step: OrderStep,
  { next, isNewlySubmitted, isNewlyClosed, surplus }: MergedDispute,
): void {
  const { record } = next;
  const workflowId = workflowIds.dispute(record.disputeId);
  const over: ExceptionKind[] = [];
  if (!isUndecided(record)) over.push('dispute_evidence_due');
  if (surplus === 0 && (isDisputeOver(record) || isNewlySubmitted)) over.push('dispute_unsettled');
  if (isOpen(record)) over.push('dispute_lost');
  closeExceptions(tx, step, workflowId, over);
  if (surplus > 0) raiseSurplus(tx, step, record, surplus);
  const left = remainingLines(step.facts);
  if (!isNewlyClosed || record.stage !== 'lost' || isTerminal(step.facts.state) || left.length === 0) return;
  const { orderId, amount, currency } = record;
  const money = { amount: record.withdrawn, currency };
  addException(tx, step, {
    orderId,
    workflowId,
    kind: 'dispute_lost',
    message:
      `Dispute ${record.disputeId} over ${formatMoney({ amount, currency })} was lost. Left to ship: ` +
      `${left.map((line) => `${line.quantity} × ${line.sku}`).join(', ')}. Cancel what is left, or ship it if it is paid for in another way.`,
    owner: DISPUTE_OWNER,
    ...(money.amount > 0 && { amountAtRisk: money }),
  });
}

function raiseSurplus(tx: Transaction, step: OrderStep, record: DisputeRecord, surplus: number): void {
  const { disputeId, orderId, currency } = record;
  const amountAtRisk = { amount: surplus, currency };
  addException(tx, step, {
    orderId,
    workflowId: workflowIds.dispute(disputeId),
    kind: 'dispute_unsettled',
    message: `Dispute ${disputeId} returned ${formatMoney(amountAtRisk)} more than it had withdrawn, and the ledger does not contain it. Ask the provider what it is for.`,
    owner: DISPUTE_OWNER,
    amountAtRisk,
  });
}

function queueNotices(tx: Transaction, merged: MergedDispute, clock: Date, nowIso: string): void {
  const { record } = merged.next;
  const { disputeId, orderId, amount, currency, reason, dueBy, isInquiry, round, stage } = record;
  const subject = { type: 'dispute', id: disputeId, orderId } as const;
  const about = { disputeId, orderId, amount: { amount, currency } };
  const common = { subject, recipient: { to: 'shop' }, dueAt: nowIso } as const;
  if (!isUndecided(record)) cancelNotices(tx, subject, clock, ['dispute_evidence_due']);
  // A dispute that is already closed when we first see it needs no action.
  if (merged.isNewRound && isOpen(record)) {
    const data = { ...about, reason, isInquiry, ...(dueBy !== undefined && { dueBy }) };
    queueNotice(
      tx,
      { ...common, noticeKey: `dispute:${disputeId}:${round}:opened`, kind: 'dispute_opened', data },
      clock,
    );
  }
  if (merged.isNewlyClosed) {
    const data = { ...about, outcome: stage };
    queueNotice(
      tx,
      { ...common, noticeKey: `dispute:${disputeId}:${round}:closed`, kind: 'dispute_closed', data },
      clock,
    );
  }
}
