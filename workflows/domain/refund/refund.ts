import { sameLines, type LineQuantity } from '../order/lines';

/**
 * The status of one part of a refund; a part is the amount from one payment attempt. The provider's words, and our own `begun` before
 * them. `succeeded` is not final: for weeks a bank may still return the money.
 */
export type RefundPartStatus = 'begun' | 'pending' | 'requires_action' | 'succeeded' | 'failed' | 'canceled';

/** The transitions of a part. Staying is always allowed. */
export const REFUND_PART_TRANSITIONS: Readonly<Record<RefundPartStatus, readonly RefundPartStatus[]>> = {
  begun: ['pending', 'requires_action', 'succeeded', 'failed', 'canceled'],
  pending: ['requires_action', 'succeeded', 'failed', 'canceled'],
  requires_action: ['pending', 'succeeded', 'failed', 'canceled'],
  succeeded: ['failed'],
  failed: [],
  canceled: [],
};

/** State of a whole refund: the state of its parts; one that needs somebody takes precedence. */
export type RefundState =
  /** Requested while the outcome of a capture is unknown: no money is reserved yet. */
  | 'waiting'
  | 'pending'
  | 'requires_action'
  | 'succeeded'
  /** Nothing is under way, and the customer did not get everything. */
  | 'failed'
  /** Given up before any money moved. */
  | 'canceled'
  /** A person has resolved the failed parts in another way. */
  | 'resolved';

export interface RefundPart {
  readonly part: number;
  readonly attempt: number;
  readonly paymentIntentId: string;
  /** Minor units. */
  readonly amount: number;
  readonly status: RefundPartStatus;
  readonly providerRefundId?: string;
  /** Provider's word, e.g. `lost_or_stolen_card`. */
  readonly failureReason?: string;
  readonly pendingReason?: string;
  /** The provider's record of the money's return. */
  readonly failureBalanceTransaction?: string;
  /** When the provider accepted it. */
  readonly createdAt?: string;
  readonly settledAt?: string;
  /** When a person resolved this failed part in another way. */
  readonly resolvedAt?: string;
}

/** Pieces whose price is refunded. */
export interface RefundLine extends LineQuantity {
  /** How many of them had not shipped and were cancelled; absent if none. */
  readonly cancelled?: number;
}

/** How a person resolved a failed refund. */
export interface RefundResolution {
  readonly action: 'another_refund' | 'manual_transfer' | 'dismiss';
  /** Who decided: an id, no name. */
  readonly actor: string;
  /** E.g. the bank's reference of a manual transfer, or the id of the other refund. */
  readonly reference?: string;
  readonly at: string;
}

/** A refund as an order shows it. Amounts in minor units of the order's currency. */
export interface RefundFacts {
  readonly refundId: string;
  readonly orderId: string;
  readonly state: RefundState;
  readonly amount: number;
  readonly currency: string;
  readonly lines?: readonly RefundLine[];
  readonly reason: string;
  /** `elsewhere` if it was made at the provider without us. */
  readonly actor: string;
  readonly parts: readonly RefundPart[];
  readonly requestedAt: string;
  /** Pending longer than this needs a person. */
  readonly settleBy: string;
  /** Until then a bank may return a refund that succeeded. */
  readonly watchUntil?: string;
  readonly resolution?: RefundResolution;
  /** Why it was given up before any money moved, e.g. `disputed`. */
  readonly endedReason?: string;
}

/** What a shop decides for its refunds. */
export interface RefundPolicy {
  /** A refund pending for longer becomes an exception with an owner. Milliseconds. */
  readonly settleLimitMs: number;
  /** How long after its success a refund is watched, because a bank may return it. Milliseconds. */
  readonly watchMs: number;
  /** Refunds above this, in minor units, need a person's approval; absent: none do. */
  readonly approvalAbove?: number;
}

const DAY_MS = 24 * 3_600_000;

export const DEFAULT_REFUND_POLICY: RefundPolicy = {
  // Stripe: 5 to 10 business days until a card shows the refund; the provider's own status is final well before.
  settleLimitMs: 10 * DAY_MS,
  // Banks return refunds to closed accounts for weeks; 60 days is the longest that the card networks are known to take.
  watchMs: 60 * DAY_MS,
};

/** The reason of a refund that a person gave up, so that no other person needs to be notified. */
export const CANCELED_BY_PERSON = 'canceled_by_person';

/** May a part go from one status to the other? Staying is always allowed. */
export function canPartTransition(from: RefundPartStatus, to: RefundPartStatus): boolean {
  return from === to || REFUND_PART_TRANSITIONS[from].includes(to);
}

/** Has this part failed without a person having resolved it yet? */
export function isUnresolved(part: Pick<RefundPart, 'status' | 'resolvedAt'>): boolean {
  return (part.status === 'failed' || part.status === 'canceled') && part.resolvedAt === undefined;
}

/** The state of a refund, derived from its parts, or from how it ended if it has none. Pure. */
export function refundStateOf(
  refund: Pick<RefundFacts, 'resolution' | 'endedReason'> & {
    readonly parts: readonly Pick<RefundPart, 'status' | 'resolvedAt'>[];
  },
): RefundState {
  const { parts } = refund;
  const has = (...statuses: RefundPartStatus[]): boolean => parts.some((one) => statuses.includes(one.status));
  if (parts.length === 0) {
    if (refund.resolution !== undefined) return 'resolved';
    return refund.endedReason === undefined ? 'waiting' : 'canceled';
  }
  if (has('requires_action')) return 'requires_action';
  if (has('begun', 'pending')) return 'pending';
  if (!has('failed', 'canceled')) return 'succeeded';
  if (!parts.some(isUnresolved)) return 'resolved';
  return has('failed', 'succeeded') ? 'failed' : 'canceled';
}

/** Is somebody still expected to act or answer: the provider, the customer, or a capture under way? */
export function isInProgress({ state }: Pick<RefundFacts, 'state'>): boolean {
  return state === 'waiting' || state === 'pending' || state === 'requires_action';
}

/**
 * Did a person give up everything that was not refunded, so that nobody needs to be notified? Not if pieces were cancelled for the
 * refund: the shop then has money for goods that never ship.
 */
export function isGivenUpByPerson(refund: Pick<RefundFacts, 'parts' | 'endedReason' | 'lines'>): boolean {
  if (refund.parts.length === 0) return refund.endedReason === CANCELED_BY_PERSON;
  if (refund.lines?.some((line) => line.cancelled !== undefined) === true) return false;
  return refund.parts.every((part) => !isUnresolved(part) || part.failureReason === CANCELED_BY_PERSON);
}

/** Minor units of a refund that a person must resolve in another way. */
export function unresolvedAmount(refund: Pick<RefundFacts, 'state' | 'amount' | 'parts'>): number {
  if (refund.parts.length === 0) return refund.state === 'canceled' ? refund.amount : 0;
  return refund.parts.filter(isUnresolved).reduce((sum, part) => sum + part.amount, 0);
}

/** Minor units of a payment that can still be refunded; what the customer's bank has charged back is no longer the shop's. */
export function refundable(payment: {
  readonly captured: number;
  readonly refundPending: number;
  readonly refunded: number;
  readonly refundedOutside?: number;
  readonly disputed?: number;
}): number {
  const { captured, refundPending, refunded, refundedOutside = 0, disputed = 0 } = payment;
  return Math.max(0, captured - refundPending - refunded - refundedOutside - disputed);
}

/** Is it the same request as before? Pieces that had not shipped do not matter for this. */
export function isSameRequest(
  known: RefundFacts,
  request: { readonly orderId: string; readonly amount?: number; readonly lines?: readonly LineQuantity[] },
): boolean {
  const sameAmount = request.amount === undefined ? known.lines !== undefined : known.amount === request.amount;
  return known.orderId === request.orderId && sameAmount && sameLines(known.lines ?? [], request.lines ?? []);
}
