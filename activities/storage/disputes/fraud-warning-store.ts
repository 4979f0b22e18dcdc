import type { Pool } from 'pg';
import type { DecideFraudWarningInput, FraudWarningActivities } from '../../../workflows/fraud-warning/ports';
import { iso } from '../../../workflows/domain/shared/deadlines';
import {
  fraudWarningEnd,
  type FraudWarningEnd,
  type FraudWarningRecord,
  type FraudWarningSnapshot,
} from '../../../workflows/domain/dispute/fraud-warning';
import { formatMoney } from '../../../workflows/domain/shared/money';
import { heldNow } from '../../../workflows/domain/order/order';
import { workflowIds } from '../../../workflows/kit/names';
import { run, transact, type Transaction } from '../postgres/database';
import { addException, closeExceptions } from '../exceptions/exceptions';
import { defect, notFound } from '../postgres/failures';
import {
  fraudWarningLoad,
  loadFraudWarning,
  type FraudWarningRow,
  type KeptFraudWarning,
} from './fraud-warning-record';
import { queueNotice } from '../notices/notices';
import { lockKnownOrder, OrderStep } from '../orders/step';
import { DISPUTE_OWNER } from './record-dispute';
import { statement } from '../postgres/statements';

const sql = {
  order: statement('dispute-order'),
  record: statement('fraud-warning-record'),
  ended: statement('fraud-warning-ended'),
};

export interface FraudWarningStoreDeps {
  readonly pool: Pool;
  /** Default: the system's clock. */
  readonly now?: () => Date;
}

/** The record of early fraud warnings, for the adapter of the payment provider. Each method is one transaction and safe to repeat. */
export interface FraudWarningStore {
  /** Undefined if the payment is not ours. `now`: the time of the workflow that follows the warning. */
  record(
    snapshot: FraudWarningSnapshot,
    input: { readonly now: string; readonly limitMs: number },
  ): Promise<FraudWarningRecord | undefined>;
  isKnown(warningId: string): Promise<boolean>;
}

export function createFraudWarningStore(deps: FraudWarningStoreDeps): FraudWarningStore & FraudWarningActivities {
  const { pool } = deps;
  const clock = deps.now ?? (() => new Date());
  return {
    record: (snapshot, input) => record(pool, clock(), snapshot, input),
    isKnown: async (warningId) => (await run(pool, fraudWarningLoad, [warningId])).length > 0,
    decideFraudWarning: (input) => decide(pool, clock(), input),
  };
}

async function record(
  pool: Pool,
  clock: Date,
  snapshot: FraudWarningSnapshot,
  { now, limitMs }: { readonly now: string; readonly limitMs: number },
): Promise<FraudWarningRecord | undefined> {
  const { warningId, paymentIntentId } = snapshot;
  return transact(pool, async (tx) => {
    const [owner] = await tx.query<{ orderId: string }>(sql.order, [paymentIntentId]);
    if (owner === undefined) return undefined;
    const { orderId } = owner;
    const [order, before] = await Promise.all([lockKnownOrder(tx, orderId), loadFraudWarning(tx, warningId)]);
    if (before?.record.ended !== undefined) return before.record;
    tx.write(sql.record, [
      ...[warningId, orderId, paymentIntentId, snapshot.chargeId, snapshot.fraudType, snapshot.actionable],
      ...[snapshot.receivedAt, before?.record.until ?? iso(Date.parse(now) + limitMs), clock],
    ]);
    const kept = await reload(tx, warningId);
    const ended = fraudWarningEnd({ ...kept.record, ...kept }, snapshot, now);
    if (before !== undefined && ended === undefined && before.record.actionable === snapshot.actionable)
      return kept.record;
    const step = new OrderStep(tx, order, {
      operationKey: `fraud-warning:${warningId}`,
      action: ended === undefined ? 'early fraud warning' : `early fraud warning ended: ${ended}`,
      actor: 'payment provider',
      nowIso: now,
    });
    if (before === undefined) announce(tx, step, kept.record, { isOpen: ended === undefined, clock, now });
    if (ended !== undefined) end(tx, step, warningId, { ended, now, clock });
    step.finish();
    return (await reload(tx, warningId)).record;
  });
}

async function decide(pool: Pool, clock: Date, input: DecideFraudWarningInput): Promise<FraudWarningRecord> {
  const { warningId, now, action, actor, refundId } = input;
  const [row] = await run<FraudWarningRow>(pool, fraudWarningLoad, [warningId]);
  if (row === undefined) throw notFound(`early fraud warning ${warningId}`);
  return transact(pool, async (tx) => {
    const [order, kept] = await Promise.all([lockKnownOrder(tx, row.record.orderId), reload(tx, warningId)]);
    const { decision, ended } = kept.record;
    // A refund is recorded even if its money has already ended the warning.
    const isLate = ended !== undefined && (action === 'ignore' || ended !== 'refunded');
    if (decision !== undefined || isLate) return kept.record;
    const operationKey = `fraud-warning:${warningId}:${action}`;
    const step = new OrderStep(tx, order, {
      ...{ operationKey, actor, nowIso: now },
      action: `early fraud warning decided: ${action}`,
    });
    const why: FraudWarningEnd = action === 'refund' ? 'refunded' : 'ignored';
    tx.write(sql.ended, [warningId, action, actor, now, refundId ?? null, why, now, clock]);
    closeExceptions(tx, step, workflowIds.fraudWarning(warningId), ['fraud_warning']);
    step.finish();
    return (await reload(tx, warningId)).record;
  });
}

async function reload(tx: Transaction, warningId: string): Promise<KeptFraudWarning> {
  const kept = await loadFraudWarning(tx, warningId);
  if (kept === undefined) throw defect(`early fraud warning ${warningId} was recorded and cannot be read back`);
  return kept;
}

function end(
  tx: Transaction,
  step: OrderStep,
  warningId: string,
  { ended, now, clock }: { readonly ended: FraudWarningEnd; readonly now: string; readonly clock: Date },
): void {
  tx.write(sql.ended, [warningId, null, null, null, null, ended, now, clock]);
  closeExceptions(tx, step, workflowIds.fraudWarning(warningId), ['fraud_warning']);
}

/** Emits the event and, if something can still be done, opens an exception and queues a notice. */
function announce(
  tx: Transaction,
  step: OrderStep,
  warning: FraudWarningRecord,
  { isOpen, clock, now }: { readonly isOpen: boolean; readonly clock: Date; readonly now: string },
): void {
  const { warningId, orderId, paymentIntentId, fraudType, actionable, currency, refundable } = warning;
  step.emit('FraudWarningReceived', { warningId, paymentIntentId, fraudType, actionable });
  if (!isOpen) return;
  const amount = { amount: refundable > 0 ? refundable : heldNow(step.facts.amounts), currency };
  addException(tx, step, {
    orderId,
    workflowId: workflowIds.fraudWarning(warningId),
    kind: 'fraud_warning',
    message: message(warning),
    owner: DISPUTE_OWNER,
    ...(amount.amount > 0 && { amountAtRisk: amount }),
  });
  const notice = {
    noticeKey: `fraud-warning:${warningId}`,
    kind: 'fraud_warning',
    subject: { type: 'order', id: orderId, orderId },
    recipient: { to: 'shop' },
    data: { warningId, orderId, amount, fraudType },
    dueAt: now,
    expiresAt: warning.until,
  } as const;
  queueNotice(tx, notice, clock);
}

function message({ fraudType, refundable, currency, paymentIntentId, linesToShip }: FraudWarningRecord): string {
  const left = linesToShip.map((line) => `${line.quantity} × ${line.sku}`).join(', ');
  return [
    `The card's issuer reports fraud (${fraudType}) for ${paymentIntentId}.`,
    refundable > 0
      ? `Refund ${formatMoney({ amount: refundable, currency })} before the payment is disputed and costs a fee, too, or ignore the warning.`
      : 'Nothing is left to refund: cancel what is held, or ignore the warning.',
    left === '' ? '' : `Left to ship, and not stopped by this warning: ${left}.`,
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}
