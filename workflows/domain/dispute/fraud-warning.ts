import type { LineQuantity } from '../order/lines';
import type { OrderException } from '../exception/exception';
import type { RefundState } from '../refund/refund';
import type { Waiting } from '../shared/waiting';

/** How an early fraud warning ended. */
export type FraudWarningEnd =
  | 'refunded' // all of the payment was refunded or is being refunded
  | 'disputed' // it has become a dispute after all
  | 'ignored' // a person decided to ignore it
  | 'not_actionable' // the provider says that a refund would no longer help
  | 'lapsed'; // nobody decided in the time in which most disputes follow

/** The unchanging facts of a warning. */
export interface FraudWarningFacts {
  readonly warningId: string;
  readonly paymentIntentId: string;
  readonly chargeId: string;
  /** The issuer's label, e.g. `made_with_stolen_card`. */
  readonly fraudType: string;
  /** From the provider: neither disputed nor fully refunded. */
  readonly actionable: boolean;
  readonly receivedAt: string;
}

/** A freshly fetched early fraud warning of the provider. */
export interface FraudWarningSnapshot extends FraudWarningFacts {
  /** Of its charge; explains why a warning is no longer actionable. */
  readonly isDisputed: boolean;
  readonly isRefunded: boolean;
}

/** Everything that a fraud warning's workflow decides on, and that is shown. Amounts in minor units. */
export interface FraudWarningRecord extends FraudWarningFacts {
  readonly orderId: string;
  readonly currency: string;
  /** The refundable amount of all payments of the order, because a stolen card has paid for the whole order. */
  readonly refundable: number;
  /** The order's lines that are left to ship; a warning does not stop them. */
  readonly linesToShip: readonly LineQuantity[];
  /** The warning lapses after this. */
  readonly until: string;
  readonly decision?: { readonly action: 'refund' | 'ignore'; readonly actor: string; readonly at: string };
  /** The refund that the decision started, and its state. */
  readonly refundId?: string;
  readonly refundState?: RefundState;
  readonly ended?: FraudWarningEnd;
  readonly closedAt?: string;
  readonly exceptions: readonly OrderException[];
}

/** What a shop decides for early fraud warnings. */
export interface FraudWarningPolicy {
  /** A warning without a decision lapses after this. Milliseconds. */
  readonly limitMs: number;
}

const DAY_MS = 24 * 3_600_000;

export const DEFAULT_FRAUD_WARNING_POLICY: FraudWarningPolicy = {
  // Most warnings that become disputes do so within weeks; a later refund usually gives money away. Source: Stripe, "Early fraud warnings".
  limitMs: 30 * DAY_MS,
};

/** Whom a warning waits for; undefined if it has ended. Pure. */
export function fraudWarningWaiting({
  ended,
  until,
}: Pick<FraudWarningRecord, 'ended' | 'until'>): Waiting | undefined {
  if (ended !== undefined) return undefined;
  return { on: 'approver', until, why: 'refund the payment before it is disputed, or ignore the warning' };
}

/** How a warning has ended without a decision; undefined if it still waits for one. Pure. */
export function fraudWarningEnd(
  warning: { readonly captured: number; readonly paymentRefundable: number; readonly isDisputed: boolean } & Pick<
    FraudWarningRecord,
    'actionable' | 'until'
  >,
  provider: Pick<FraudWarningSnapshot, 'isDisputed' | 'isRefunded'>,
  nowIso: string,
): FraudWarningEnd | undefined {
  if (warning.isDisputed || provider.isDisputed) return 'disputed';
  if (provider.isRefunded || (warning.captured > 0 && warning.paymentRefundable <= 0)) return 'refunded';
  if (!warning.actionable) return 'not_actionable';
  return Date.parse(nowIso) >= Date.parse(warning.until) ? 'lapsed' : undefined;
}
