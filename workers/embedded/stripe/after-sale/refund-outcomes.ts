import type { Refund, RefundFailureReason } from './money-model';

/** The planned outcome of a refund. Times are milliseconds of the simulator's clock; by default those of the settings. */
export type RefundOutcome =
  | { kind: 'succeed' }
  /** Money that the account lacks (`insufficient_funds`), or does not have yet (`charge_pending`), leaves it later. */
  | {
      kind: 'pending';
      then?: 'succeed' | 'fail' | 'stay';
      afterMs?: number;
      pendingReason?: 'processing' | 'insufficient_funds' | 'charge_pending';
      failureReason?: RefundFailureReason;
    }
  /** The customer must name an account; `expire`, the default, is a failure. */
  | { kind: 'requires_action'; then?: 'succeed' | 'cancel' | 'expire' | 'stay'; afterMs?: number }
  /** Succeeds at once, and fails afterwards. */
  | { kind: 'fail_after'; afterMs?: number; failureReason?: RefundFailureReason }
  /** Pending first. */
  | { kind: 'canceled'; afterMs?: number };

const KINDS: readonly string[] = ['succeed', 'pending', 'requires_action', 'fail_after', 'canceled'];

/** The refunds that a decision is for; all given fields must match. `metadata` is the refund's own. */
export interface RefundMatch {
  paymentIntent?: string;
  charge?: string;
  customer?: string;
  metadata?: Record<string, string>;
}

export interface RefundDecision {
  readonly outcome: RefundOutcome;
  readonly match: RefundMatch;
}

/** @throws RangeError for an unknown outcome, or a time in the past */
export function assertOutcome(outcome: RefundOutcome): void {
  if (!KINDS.includes(outcome.kind)) throw new RangeError(`A refund's outcome is one of ${KINDS.join(', ')}`);
  if ('afterMs' in outcome && outcome.afterMs !== undefined && !(outcome.afterMs >= 0))
    throw new RangeError(`A refund settles at a later time, got ${outcome.afterMs} ms`);
}

/** Whether a decision is for this refund. */
export function fitsRefund({ match }: RefundDecision, refund: Refund): boolean {
  if (match.paymentIntent !== undefined && match.paymentIntent !== refund.payment_intent) return false;
  if (match.charge !== undefined && match.charge !== refund.charge) return false;
  if (match.customer !== undefined && match.customer !== refund.customer) return false;
  return Object.entries(match.metadata ?? {}).every(([key, value]) => refund.metadata[key] === value);
}
