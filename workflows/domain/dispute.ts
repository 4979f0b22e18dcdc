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
