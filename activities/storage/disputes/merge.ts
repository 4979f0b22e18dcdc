import { disputeKind, disputeStage } from '../../../workflows/domain/dispute/dispute';
import type {
  DisputeDecision,
  DisputeMovement,
  DisputeRecord,
  DisputeSnapshot,
  DisputeStage,
} from '../../../workflows/domain/dispute/dispute';
import type { OrderState } from '../../../workflows/domain/order/state';
import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import { known } from '../postgres/documents';
import type { KeptDispute } from './record';

/** What a look at the provider makes of a dispute, and what is new about it. */
export interface MergedDispute {
  readonly next: KeptDispute;
  /** A round that was not heard of before. */
  readonly isNewRound: boolean;
  readonly isNewlySubmitted: boolean;
  readonly isNewlyClosed: boolean;
  /** Money that is not in the ledger yet. */
  readonly movements: readonly DisputeMovement[];
  /** Minor units that came back beyond all that was withdrawn: they are in no ledger. */
  readonly surplus: number;
}

/** Whose payment it is. */
export interface DisputeOwner {
  readonly orderId: string;
  readonly attempt: number;
  readonly orderState: OrderState;
}

/**
 * Merges what the provider shows now with what is recorded. It compares totals (withdrawn, reinstated, fees) and does not add
 * up events, so it does not matter in which order events came, how often, or whether any came. Pure.
 *
 * @param nowIso the clock of who follows the dispute
 */
export function mergeDispute(
  before: KeptDispute | undefined,
  snapshot: DisputeSnapshot,
  owner: DisputeOwner,
  nowIso: string,
): MergedDispute {
  const { providerStatus, submissionCount } = snapshot;
  const was = before?.record;
  // A status that is new to us asks nothing of us as far as we know: it is shown, and the dispute is followed on.
  const stage = disputeStage(providerStatus) ?? was?.stage ?? 'under_review';
  const isNewRound = beginsRound(was, stage, providerStatus);
  const roundSubmissions = isNewRound ? submissionsBefore(before, stage, submissionCount) : before?.roundSubmissions;
  const isSubmitted = submissionCount > (roundSubmissions ?? 0);
  const sameRound = isNewRound ? undefined : was;
  const isOpen = stage === 'evidence_due' || stage === 'under_review';
  const movements = newMovements(before, snapshot);
  const record: DisputeRecord = {
    ...stateOf(snapshot, was),
    orderId: owner.orderId,
    orderState: owner.orderState,
    stage,
    withdrawn: (was?.withdrawn ?? 0) + sumOf(movements),
    round: (was?.round ?? 0) + (isNewRound ? 1 : 0),
    roundBeganAt: sameRound?.roundBeganAt ?? nowIso,
    warnedMs: sameRound?.warnedMs ?? [],
    linesToShip: was?.linesToShip ?? [],
    openRefunds: was?.openRefunds ?? [],
    exceptions: was?.exceptions ?? [],
    ...known({
      submittedAt: isSubmitted ? (sameRound?.submittedAt ?? nowIso) : undefined,
      closedAt: isOpen ? undefined : (sameRound?.closedAt ?? nowIso),
      evidenceCollectedAt: sameRound?.evidenceCollectedAt,
      decision: sameRound?.decision && carriedOut(sameRound.decision, { isSubmitted, isOpen }, nowIso),
    }),
  };
  return {
    next: {
      record,
      attempt: owner.attempt,
      chargeId: snapshot.chargeId,
      submissionCount,
      chargeRefundable: snapshot.chargeRefundable,
      roundSubmissions: roundSubmissions ?? 0,
      fetchedAt: snapshot.fetchedAt,
      movements: [...(before?.movements ?? []), ...movements.map((one) => keyOf(snapshot.disputeId, one))],
    },
    isNewRound,
    isNewlySubmitted: isSubmitted && sameRound?.submittedAt === undefined,
    isNewlyClosed: !isOpen && sameRound?.closedAt === undefined,
    movements,
    surplus: surplusOf(record.withdrawn, snapshot),
  };
}

/**
 * Money that moved since the last look. The disputed amount may change between the movements, so no more is given back than the
 * ledger has as withdrawn. Movements from before the last one that is booked came to nothing: their turn is over.
 */
function newMovements(before: KeptDispute | undefined, snapshot: DisputeSnapshot): DisputeMovement[] {
  const { disputeId, amount: disputed, movements } = snapshot;
  const isBooked = (one: DisputeMovement): boolean => before?.movements.includes(keyOf(disputeId, one)) === true;
  let withdrawn = before?.record.withdrawn ?? 0;
  const found: DisputeMovement[] = [];
  for (const one of movements.slice(movements.findLastIndex(isBooked) + 1)) {
    const amount = movedAmount(one, withdrawn, disputed);
    if (amount <= 0) continue;
    found.push({ ...one, amount });
    withdrawn += one.direction === 'withdrawn' ? amount : -amount;
  }
  return found;
}

/** What is not told in the dispute's currency moves all: what is still disputed, or all that was withdrawn. */
function movedAmount({ direction, amount, isConverted }: DisputeMovement, withdrawn: number, disputed: number): number {
  if (direction === 'withdrawn') return isConverted === true ? disputed - withdrawn : amount;
  return isConverted === true ? withdrawn : Math.min(amount, withdrawn);
}

/** By levels, so that it is the same at every look. */
function surplusOf(withdrawn: number, { movements }: DisputeSnapshot): number {
  return movements.some((one) => one.isConverted === true) ? 0 : Math.max(0, withdrawn - sumOf(movements));
}

/** Is there anything in it that is not recorded? */
export function isNews(before: KeptDispute | undefined, merged: MergedDispute): boolean {
  if (before === undefined || merged.movements.length > 0) return true;
  const written = ({ record, submissionCount, chargeRefundable }: KeptDispute): string =>
    JSON.stringify([record, submissionCount, chargeRefundable], (_key, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
        : value,
    );
  return written(before) !== written(merged.next);
}

/**
 * A new case, a closed one that is open again, or an inquiry that became a dispute. That a bank which was reviewing shows the
 * same case as waiting for us again is a slow answer of the provider's: evidence is not sent twice for it.
 */
function beginsRound(was: DisputeRecord | undefined, stage: DisputeStage, providerStatus: string): boolean {
  if (was === undefined) return true;
  if (stage !== 'evidence_due' && stage !== 'under_review') return false;
  if (was.closedAt !== undefined) return true;
  return stage === 'evidence_due' && disputeKind(providerStatus) !== disputeKind(was.providerStatus);
}

/** Submissions that are not this round's: where it waits for us, all there were so far. */
function submissionsBefore(before: KeptDispute | undefined, stage: DisputeStage, count: number): number {
  return stage === 'evidence_due' ? count : Math.min(count, before?.submissionCount ?? 0);
}

function stateOf(snapshot: DisputeSnapshot, was: DisputeRecord | undefined) {
  const { disputeId, paymentIntentId, providerStatus, amount, currency, reason, openedAt, dueBy, movements } = snapshot;
  const isKnown = disputeStage(providerStatus) !== undefined && providerStatus !== 'prevented';
  const isInquiry = isKnown ? disputeKind(providerStatus) === 'inquiry' : (was?.isInquiry ?? false);
  const feeAmount = movements.reduce((sum, one) => sum + one.fee, 0);
  const feeCurrency = movements[0]?.feeCurrency ?? currency;
  return {
    ...{ disputeId, paymentIntentId, providerStatus, isInquiry, amount, currency, reason, openedAt },
    ...known({ dueBy }),
    feeAmount,
    feeCurrency,
  };
}

function carriedOut(
  decision: DisputeDecision,
  { isSubmitted, isOpen }: { readonly isSubmitted: boolean; readonly isOpen: boolean },
  nowIso: string,
): DisputeDecision {
  if (decision.action === 'leave') return decision;
  const isDone = decision.action === 'submit' ? isSubmitted : !isOpen;
  return isDone && decision.doneAt === undefined ? { ...decision, doneAt: nowIso } : decision;
}

function keyOf(disputeId: string, { balanceTransactionId }: DisputeMovement): string {
  return operationKeys.disputeMoney(disputeId, balanceTransactionId);
}

function sumOf(movements: readonly DisputeMovement[]): number {
  return movements.reduce((sum, one) => sum + (one.direction === 'withdrawn' ? one.amount : -one.amount), 0);
}
