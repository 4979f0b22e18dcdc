import type { LineQuantity } from '../order/lines';
import type { OrderException } from '../exception/exception';
import type { OrderState } from '../order/state';

/**
 * The stage of a dispute, by what we must do. An inquiry needs the same answer before any money moves; it may become a dispute.
 */
export type DisputeStage =
  | 'evidence_due' // needs_response, warning_needs_response, appeal_needs_response
  | 'under_review'
  | 'won'
  | 'lost'
  | 'warning_closed' // an inquiry that ended without a dispute
  | 'prevented'; // resolved by the provider before it became a dispute

/** A dispute as an order shows it. */
export interface DisputeFacts {
  readonly disputeId: string;
  readonly orderId: string;
  readonly paymentIntentId: string;
  readonly stage: DisputeStage;
  /** The provider's own status. */
  readonly providerStatus: string;
  readonly isInquiry: boolean;
  /** Minor units in question. */
  readonly amount: number;
  readonly currency: string;
  readonly reason: string;
  readonly openedAt: string;
  /** The provider's deadline for evidence. */
  readonly dueBy?: string;
  /** Minor units withdrawn from our balance and not reinstated. */
  readonly withdrawn: number;
  readonly submittedAt?: string;
  readonly closedAt?: string;
}

/** The decision for one round: by a person, or by the shop's policy if no person decided in time. */
export interface DisputeDecision {
  /** `accept`: the money is given up. `leave`: by the shop's policy, the dispute was not answered until the deadline. */
  readonly action: 'submit' | 'accept' | 'leave';
  /** An id, not a name; `holdfast` if the policy decided. */
  readonly actor: string;
  readonly at: string;
  /** Counts the decisions on one dispute, so that each has its own operation key. */
  readonly attempt: number;
  /** When the provider had accepted it. */
  readonly doneAt?: string;
  /** The provider's code if it refused the decision. */
  readonly refused?: string;
}

/** Everything that a dispute's workflow decides on. No personal data: the evidence itself is not part of it. */
export interface DisputeRecord extends DisputeFacts {
  /** Counts from 1. An inquiry that becomes a dispute, and an appeal, are new rounds with their own deadlines. */
  readonly round: number;
  /** When this round was first seen, by the clock of the workflow that follows the dispute. */
  readonly roundBeganAt: string;
  /** Warnings already given in this round: milliseconds before the deadline. */
  readonly warnedMs: readonly number[];
  /** When the evidence of this round was collected and staged at the provider. */
  readonly evidenceCollectedAt?: string;
  readonly decision?: DisputeDecision;
  /** Fees so far, less returned ones; in minor units of the balance's currency. */
  readonly feeAmount: number;
  readonly feeCurrency: string;
  readonly orderState: OrderState;
  /** The order's lines that are left to ship. */
  readonly linesToShip: readonly LineQuantity[];
  /** Refunds of this payment that have not ended. */
  readonly openRefunds: readonly string[];
  /** Exceptions of this dispute that are open. */
  readonly exceptions: readonly OrderException[];
}

/** One movement of money between our balance and the customer's bank. */
export interface DisputeMovement {
  /** The provider's id of the movement. */
  readonly balanceTransactionId: string;
  readonly direction: 'withdrawn' | 'reinstated';
  /** Minor units of the dispute's currency. */
  readonly amount: number;
  /** The balance has another currency: `amount` is the whole disputed amount, not what moved. */
  readonly isConverted?: boolean;
  /** Minor units of `feeCurrency`; negative if the fee was returned. */
  readonly fee: number;
  readonly feeCurrency: string;
  readonly at: string;
}

/** A freshly fetched dispute of the provider. Times are UTC ISO strings, amounts minor units. */
export interface DisputeSnapshot {
  readonly disputeId: string;
  readonly paymentIntentId: string;
  readonly chargeId: string;
  readonly providerStatus: string;
  readonly amount: number;
  readonly currency: string;
  readonly reason: string;
  readonly openedAt: string;
  /** Absent if the bank accepts no answer. */
  readonly dueBy?: string;
  /** How often evidence was submitted, by anybody. */
  readonly submissionCount: number;
  /** Does the provider refund what is left of the payment? */
  readonly chargeRefundable: boolean;
  /** Oldest first. */
  readonly movements: readonly DisputeMovement[];
  /** When it was requested, by our clock: a later request is newer. */
  readonly fetchedAt: string;
}

const OPEN: readonly DisputeStage[] = ['evidence_due', 'under_review'];

/** Is the bank still deciding? Until then nothing more ships and nothing is refunded. */
export function isOpen(dispute: Pick<DisputeFacts, 'stage'>): boolean {
  return OPEN.includes(dispute.stage);
}

/** The open dispute, if any; it stops an order's shipments and refunds. */
export function openDispute<D extends Pick<DisputeFacts, 'stage'>>(facts: {
  readonly disputes?: readonly D[];
}): D | undefined {
  return facts.disputes?.find(isOpen);
}

/** The stage of a provider's status; undefined for an unknown status, which is stored and shown. */
export function disputeStage(providerStatus: string): DisputeStage | undefined {
  switch (providerStatus) {
    case 'needs_response':
    case 'warning_needs_response':
    case 'appeal_needs_response':
      return 'evidence_due';
    case 'under_review':
    case 'warning_under_review':
    case 'appeal_under_review':
      return 'under_review';
    case 'won':
    case 'lost':
    case 'warning_closed':
    case 'prevented':
      return providerStatus;
    default:
      return undefined;
  }
}

/** The kind of case of a provider's status; a change of the kind begins a new round. */
export function disputeKind(providerStatus: string): 'inquiry' | 'dispute' | 'appeal' {
  if (providerStatus.startsWith('warning_')) return 'inquiry';
  return providerStatus.startsWith('appeal_') ? 'appeal' : 'dispute';
}

type Answerable = Pick<DisputeRecord, 'stage' | 'submittedAt' | 'dueBy' | 'decision'>;

/** Does the bank wait for an answer that nobody has decided, or that it has refused? */
export function isUndecided<D extends Answerable>(dispute: D): dispute is D & { readonly dueBy: string } {
  return isDecidable(dispute) && dispute.decision?.action !== 'leave';
}

/** May a person decide? Also after the policy has decided to `leave` it: whether a late answer is refused is the provider's decision. */
export function isDecidable<D extends Answerable>(dispute: D): dispute is D & { readonly dueBy: string } {
  const { stage, submittedAt, dueBy, decision } = dispute;
  if (stage !== 'evidence_due' || submittedAt !== undefined || dueBy === undefined) return false;
  return decision === undefined || decision.refused !== undefined || decision.action === 'leave';
}

/** Stages after which everything that was withdrawn is reinstated. */
const GIVEN_BACK: readonly DisputeStage[] = ['won', 'warning_closed'];

/** Is the dispute over? One that was won is not over before its money is back. */
export function isDisputeOver(dispute: Pick<DisputeRecord, 'stage' | 'withdrawn'>): boolean {
  if (isOpen(dispute)) return false;
  return !GIVEN_BACK.includes(dispute.stage) || dispute.withdrawn === 0;
}
