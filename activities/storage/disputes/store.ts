import type { Pool } from 'pg';
import type { DisputeDecision, DisputeRecord, DisputeSnapshot } from '../../../workflows/domain/dispute/dispute';
import { isDecidable, isOpen, isUndecided } from '../../../workflows/domain/dispute/dispute';
import { disputeWaiting } from '../../../workflows/domain/dispute/plan';
import { formatMoney } from '../../../workflows/domain/shared/money';
import { workflowIds } from '../../../workflows/kit/names';
import type { DecideDisputeInput, DisputeActivities, WarnOfDisputeInput } from '../../../workflows/dispute/ports';
import type { Keyring } from '../../crypto';
import { transact, type Transaction } from '../postgres/database';
import { createEvidenceStore, type EvidenceStore } from './evidence';
import { loadDispute, readDispute, type KeptDispute } from './record';
import { addException, closeExceptions } from '../exceptions/exceptions';
import { notFound } from '../postgres/failures';
import { cancelNotices, queueNotice } from '../notices/notices';
import { lockKnownOrder, OrderStep } from '../orders/step';
import { DISPUTE_OWNER, recordDispute, reload } from './record-dispute';
import { statement } from '../postgres/statements';

const sql = { warned: statement('dispute-warned'), decided: statement('dispute-decided') };

const HOUR_MS = 3_600_000;

export interface DisputeStoreDeps {
  readonly pool: Pool;
  readonly keyring: Keyring;
  /** Default: the system's clock. */
  readonly now?: () => Date;
}

/** The record of disputes, for the adapter of the payment provider. Every method is one transaction and safe to repeat. */
export interface DisputeStore extends EvidenceStore {
  /** Undefined if the payment is not ours. `nowIso`: the time of the workflow that follows the dispute. */
  record(snapshot: DisputeSnapshot, nowIso: string): Promise<DisputeRecord | undefined>;
  /** @throws ApplicationFailure `NotFound` */
  known(disputeId: string): Promise<KeptDispute>;
  /** Records with a decision that the provider refused it, and opens an exception. */
  recordRefusal(input: {
    readonly disputeId: string;
    readonly attempt: number;
    /** The provider's code. */
    readonly code: string;
    readonly now: string;
  }): Promise<DisputeRecord>;
}

/** See `DisputeStore` and `DisputeActivities`. */
export function createDisputeStore(deps: DisputeStoreDeps): DisputeStore & DisputeActivities {
  const { pool } = deps;
  const clock = deps.now ?? (() => new Date());
  const { evidenceSource, keepEvidence, withTexts } = createEvidenceStore({ ...deps, now: clock });
  return {
    evidenceSource,
    keepEvidence,
    record: (snapshot, nowIso) => recordDispute(pool, clock(), snapshot, nowIso),
    async known(disputeId) {
      const kept = await readDispute(pool, disputeId);
      if (kept === undefined) throw notFound(`dispute ${disputeId}`);
      return kept;
    },
    recordRefusal: (input) =>
      onDispute(pool, input, { action: 'dispute decision refused', actor: 'payment provider' }, (change) =>
        refuse(change, input, clock()),
      ),
    loadDispute: async ({ disputeId }) => (await readDispute(pool, disputeId))?.record ?? null,
    warnOfDispute: (input) =>
      onDispute(pool, input, { action: 'dispute deadline is near', actor: 'dispute' }, (change) =>
        warn(change, input, clock()),
      ),
    decideDispute: (input) =>
      onDispute(pool, input, { action: `dispute decided: ${input.action}`, actor: input.actor }, async (change) => {
        // The first decision of a round stays, unless the provider refused it; one for another round is ignored.
        if (change.record.round !== input.round || !isDecidable(change.record)) return false;
        decide(change, input, clock(), await withTexts(change.tx, input));
        return true;
      }),
  };
}

interface DisputeChange {
  readonly tx: Transaction;
  readonly record: DisputeRecord;
  readonly order: OrderStep;
}

/** Runs one step on a recorded dispute, with its order locked first. `change` returns whether it changed anything. */
async function onDispute(
  pool: Pool,
  { disputeId, now }: { readonly disputeId: string; readonly now: string },
  cause: { readonly action: string; readonly actor: string },
  change: (change: DisputeChange) => boolean | Promise<boolean>,
): Promise<DisputeRecord> {
  const found = await readDispute(pool, disputeId);
  if (found === undefined) throw notFound(`dispute ${disputeId}`);
  return transact(pool, async (tx) => {
    const [order, kept] = await Promise.all([lockKnownOrder(tx, found.record.orderId), loadDispute(tx, disputeId)]);
    if (kept === undefined) throw notFound(`dispute ${disputeId}`);
    const { record } = kept;
    const operationKey = `dispute:${disputeId}:${record.round}:${cause.action.replaceAll(' ', '_')}`;
    const step = new OrderStep(tx, order, { ...cause, operationKey, nowIso: now });
    if (!(await change({ tx, record, order: step }))) return record;
    step.finish();
    return reload(tx, disputeId);
  });
}

/** Warns that the deadline is near and nobody has decided. */
function warn({ tx, record, order }: DisputeChange, input: WarnOfDisputeInput, clock: Date): boolean {
  if (!isUndecided(record)) return false;
  const news = input.warnedMs.filter((ms) => !record.warnedMs.includes(ms));
  if (news.length === 0) return false;
  const { disputeId, orderId, amount, currency, dueBy, round } = record;
  tx.write(sql.warned, [disputeId, news, clock]);
  addException(tx, order, {
    orderId,
    workflowId: workflowIds.dispute(disputeId),
    kind: 'dispute_evidence_due',
    message: `Dispute ${disputeId} over ${formatMoney({ amount, currency })} must be answered by ${dueBy}: submit the evidence or accept the dispute.`,
    owner: DISPUTE_OWNER,
    amountAtRisk: { amount, currency },
  });
  if (!input.notify) return true;
  const leftMs = Math.max(0, Date.parse(dueBy) - Date.parse(input.now));
  queueNotice(
    tx,
    {
      noticeKey: `dispute:${disputeId}:${round}:due:${Math.min(...news)}`,
      kind: 'dispute_evidence_due',
      subject: { type: 'dispute', id: disputeId, orderId },
      recipient: { to: 'shop' },
      data: { disputeId, orderId, amount: { amount, currency }, dueBy, hoursLeft: Math.round(leftMs / HOUR_MS) },
      dueAt: input.now,
      expiresAt: dueBy,
    },
    clock,
  );
  return true;
}

function decide(
  { tx, record, order }: DisputeChange,
  { action, actor, now: at }: DecideDisputeInput,
  clock: Date,
  evidence: Uint8Array | null,
): void {
  const { disputeId, decision: before } = record;
  const decision: DisputeDecision = { action, actor, at, attempt: (before?.attempt ?? 0) + 1 };
  // `leave` needs no request to the provider, so it is done at once.
  writeDecision(tx, record, action === 'leave' ? { ...decision, doneAt: at } : decision, clock, evidence);
  closeExceptions(tx, order, workflowIds.dispute(disputeId), ['dispute_evidence_due', 'dispute_unsettled']);
  cancelNotices(tx, { type: 'dispute', id: disputeId }, clock, ['dispute_evidence_due']);
}

type Refusal = Parameters<DisputeStore['recordRefusal']>[0];

/** Records the refusal of a decision: nothing more is sent automatically, and an exception asks a person to act. */
function refuse({ tx, record, order }: DisputeChange, { attempt, code }: Refusal, clock: Date): boolean {
  const { decision, disputeId, orderId, amount, currency } = record;
  if (decision === undefined || decision.attempt !== attempt || decision.refused !== undefined) return false;
  if (decision.doneAt !== undefined || !isOpen(record)) return false;
  writeDecision(tx, record, { ...decision, refused: code }, clock, null);
  const what = decision.action === 'submit' ? 'the evidence' : 'the acceptance';
  addException(tx, order, {
    orderId,
    workflowId: workflowIds.dispute(disputeId),
    kind: 'dispute_unsettled',
    message:
      `The provider refused ${what} (${code}) for dispute ${disputeId} over ${formatMoney({ amount, currency })}. ` +
      'Decide again, or answer in the provider’s dashboard; Holdfast follows the dispute to its end.',
    owner: DISPUTE_OWNER,
    amountAtRisk: { amount, currency },
  });
  return true;
}

function writeDecision(
  tx: Transaction,
  record: DisputeRecord,
  decision: DisputeDecision,
  clock: Date,
  evidence: Uint8Array | null,
): void {
  const waiting = disputeWaiting({ ...record, decision });
  tx.write(sql.decided, [
    record.disputeId,
    JSON.stringify(decision),
    evidence,
    waiting?.on ?? null,
    waiting?.until ?? null,
    waiting?.why ?? null,
    clock,
  ]);
}
