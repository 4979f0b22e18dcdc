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

/** A dispute after a look at the provider, and what is new about it. */
export interface MergedDispute {
  readonly next: KeptDispute;
  /** Has a round begun that is not recorded yet? */
  readonly isNewRound: boolean;
  readonly isNewlySubmitted: boolean;
  readonly isNewlyClosed: boolean;
  /** Movements that are not in the ledger yet. */
  readonly movements: readonly DisputeMovement[];
  /** Minor units that came back beyond what was withdrawn; they are not in the ledger. */
  readonly surplus: number;
}

/** The order and the attempt that the payment belongs to. */
export interface DisputeOwner {
  readonly orderId: string;
  readonly attempt: number;
  readonly orderState: OrderState;
}

/**
 * Merges the provider's current state with the record. It compares totals (withdrawn, reinstated, fees) instead of adding up
 * events, so the order, repetition or loss of events does not matter. Pure.
 *
 * @param nowIso the time of the workflow that follows the dispute
 */
export function mergeDispute(
  before: KeptDispute | undefined,
  snapshot: DisputeSnapshot,
  owner: DisputeOwner,
  nowIso: string,
): MergedDispute {
  const { providerStatus, submissionCount } = snapshot;
  const was = before?.record;
  // An unknown status keeps the stage: it is shown, and the dispute is still followed.
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
 * Money that moved since the last look. The disputed amount may change between movements, so no more is reinstated than the
 * ledger has as withdrawn. Earlier movements that are not booked had an amount of zero and stay unbooked.
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

/** A movement in another currency than the dispute's counts as the whole amount: what is still disputed, or all that was withdrawn. */
function movedAmount({ direction, amount, isConverted }: DisputeMovement, withdrawn: number, disputed: number): number {
  if (direction === 'withdrawn') return isConverted === true ? disputed - withdrawn : amount;
  return isConverted === true ? withdrawn : Math.min(amount, withdrawn);
}

/** Compares totals, so that every look gives the same result. */
function surplusOf(withdrawn: number, { movements }: DisputeSnapshot): number {
  return movements.some((one) => one.isConverted === true) ? 0 : Math.max(0, withdrawn - sumOf(movements));
}

/** Does it contain anything that is not recorded? */
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
 * A new round begins with a new case, a closed case that is open again, or an inquiry that became a dispute. If a case that was
 * under review waits for us again, the provider's answer is out of date: evidence is not sent twice.
 */
function beginsRound(was: DisputeRecord | undefined, stage: DisputeStage, providerStatus: string): boolean {
  if (was === undefined) return true;
  if (stage !== 'evidence_due' && stage !== 'under_review') return false;
  if (was.closedAt !== undefined) return true;
  return stage === 'evidence_due' && disputeKind(providerStatus) !== disputeKind(was.providerStatus);
}

/** Submissions of earlier rounds: all of them if the new round waits for our evidence. */
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
