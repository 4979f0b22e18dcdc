import type { LineQuantity } from '../order/lines';
import type { OrderException } from '../exception/exception';
import type { OrderState } from '../order/state';

/**
 * Where a dispute stands, by what it asks of us. An inquiry asks the same before any money moves; it may become a dispute.
 */
export type DisputeStage =
  | 'evidence_due' // needs_response, warning_needs_response, appeal_needs_response
  | 'under_review'
  | 'won'
  | 'lost'
  | 'warning_closed' // an inquiry that ended without a dispute
  | 'prevented'; // settled by the provider before it became one

/** A dispute as an order shows it. */
export interface DisputeFacts {
  readonly disputeId: string;
  readonly orderId: string;
  readonly paymentIntentId: string;
  readonly stage: DisputeStage;
  /** The provider's own word. */
  readonly providerStatus: string;
  readonly isInquiry: boolean;
  /** Minor units in question. */
  readonly amount: number;
  readonly currency: string;
  readonly reason: string;
  readonly openedAt: string;
  /** The provider's deadline for evidence. */
  readonly dueBy?: string;
  /** Minor units taken from our balance and not given back. */
  readonly withdrawn: number;
  readonly submittedAt?: string;
  readonly closedAt?: string;
}

/** What was decided for one round: by a person, or by the shop's policy where nobody was there in time. */
export interface DisputeDecision {
  /** `accept`: the money is given up. `leave`: nothing was said until the deadline, by the shop's policy. */
  readonly action: 'submit' | 'accept' | 'leave';
  /** An id, no name; `holdfast` where the policy decided. */
  readonly actor: string;
  readonly at: string;
  /** Counts the decisions on one dispute, so that each has an operation key of its own. */
  readonly attempt: number;
  /** When the provider had taken it. */
  readonly doneAt?: string;
  /** Why the provider did not take it, in its own code. */
  readonly refused?: string;
}

/** Everything that the workflow of a dispute decides on. No personal data: the evidence itself is not part of it. */
export interface DisputeRecord extends DisputeFacts {
  /** Counts from 1. An inquiry that becomes a dispute and an appeal are rounds of their own, with their own deadline. */
  readonly round: number;
  /** When this round was first heard of, by the clock of who follows it. */
  readonly roundBeganAt: string;
  /** Warnings that were given in this round: milliseconds before the deadline. */
  readonly warnedMs: readonly number[];
  /** When the evidence of this round was put together and staged at the provider. */
  readonly evidenceCollectedAt?: string;
  readonly decision?: DisputeDecision;
  /** Fees so far, those given back taken off; in minor units of the currency of the balance. */
  readonly feeAmount: number;
  readonly feeCurrency: string;
  readonly orderState: OrderState;
  /** What of the order is left to ship. */
  readonly linesToShip: readonly LineQuantity[];
  /** Refunds of this payment that are not settled. */
  readonly openRefunds: readonly string[];
  /** Exceptions of this dispute that are open. */
  readonly exceptions: readonly OrderException[];
}

/** One movement of money between our balance and the customer's bank. */
export interface DisputeMovement {
  /** The provider's id of it. */
  readonly balanceTransactionId: string;
  readonly direction: 'withdrawn' | 'reinstated';
  /** Minor units of the dispute's currency. */
  readonly amount: number;
  /** The balance has another currency: `amount` is all that is disputed by now, not what moved. */
  readonly isConverted?: boolean;
  /** Minor units of `feeCurrency`; negative where it was given back. */
  readonly fee: number;
  readonly feeCurrency: string;
  readonly at: string;
}

/** A dispute as the provider shows it, fetched fresh, in our own words. Times are UTC ISO strings, amounts minor units. */
export interface DisputeSnapshot {
  readonly disputeId: string;
  readonly paymentIntentId: string;
  readonly chargeId: string;
  readonly providerStatus: string;
  readonly amount: number;
  readonly currency: string;
  readonly reason: string;
  readonly openedAt: string;
  /** Absent where the bank takes no answer. */
  readonly dueBy?: string;
  /** How often evidence was submitted, by whomever. */
  readonly submissionCount: number;
  /** Does the provider refund what is left of the payment? */
  readonly chargeRefundable: boolean;
  /** Oldest first. */
  readonly movements: readonly DisputeMovement[];
  /** When it was asked for, by our own clock: what was asked later is newer. */
  readonly fetchedAt: string;
}

const OPEN: readonly DisputeStage[] = ['evidence_due', 'under_review'];

/** Is the bank still deciding? Until then nothing more ships and nothing is refunded. */
export function isOpen(dispute: Pick<DisputeFacts, 'stage'>): boolean {
  return OPEN.includes(dispute.stage);
}

/** The dispute, if any, that keeps an order from shipping and its payments from being refunded. */
export function openDispute<D extends Pick<DisputeFacts, 'stage'>>(facts: {
  readonly disputes?: readonly D[];
}): D | undefined {
  return facts.disputes?.find(isOpen);
}

/** The stage that a provider's status means; undefined for one that is not known here: it is kept and shown. */
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

/** What kind of case a provider's status belongs to: another kind is another round. */
export function disputeKind(providerStatus: string): 'inquiry' | 'dispute' | 'appeal' {
  if (providerStatus.startsWith('warning_')) return 'inquiry';
  return providerStatus.startsWith('appeal_') ? 'appeal' : 'dispute';
}

type Answerable = Pick<DisputeRecord, 'stage' | 'submittedAt' | 'dueBy' | 'decision'>;

/** Does the bank wait for an answer that nobody has decided on, or that it did not take? */
export function isUndecided<D extends Answerable>(dispute: D): dispute is D & { readonly dueBy: string } {
  return isDecidable(dispute) && dispute.decision?.action !== 'leave';
}

/** May a person decide? Also where the policy has left it to its fate: that a late answer is refused, the provider says. */
export function isDecidable<D extends Answerable>(dispute: D): dispute is D & { readonly dueBy: string } {
  const { stage, submittedAt, dueBy, decision } = dispute;
  if (stage !== 'evidence_due' || submittedAt !== undefined || dueBy === undefined) return false;
  return decision === undefined || decision.refused !== undefined || decision.action === 'leave';
}

/** Stages after which all that was withdrawn comes back. */
const GIVEN_BACK: readonly DisputeStage[] = ['won', 'warning_closed'];

/** Is nothing more to come? A dispute that is won is not over before its money is back. */
export function isSettled(dispute: Pick<DisputeRecord, 'stage' | 'withdrawn'>): boolean {
  if (isOpen(dispute)) return false;
  return !GIVEN_BACK.includes(dispute.stage) || dispute.withdrawn === 0;
}
