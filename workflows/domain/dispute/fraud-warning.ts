import type { LineQuantity } from '../order/lines';
import type { OrderException } from '../exception/exception';
import type { RefundState } from '../refund/refund';
import type { Waiting } from '../shared/waiting';

/** Why nothing more is waited for after an early fraud warning. */
export type FraudWarningEnd =
  | 'refunded' // all of the payment has gone back or is on its way
  | 'disputed' // it has become a dispute after all
  | 'ignored' // a person decided so
  | 'not_actionable' // the provider says that nothing is to be gained any more
  | 'lapsed'; // nobody decided for as long as disputes mostly take to come

/** What is known of a warning from its first moment on. */
export interface FraudWarningFacts {
  readonly warningId: string;
  readonly paymentIntentId: string;
  readonly chargeId: string;
  /** The issuer's label, e.g. `made_with_stolen_card`. */
  readonly fraudType: string;
  /** The provider's word: neither disputed nor refunded in full. */
  readonly actionable: boolean;
  readonly receivedAt: string;
}

/** An early fraud warning as the provider shows it, fetched fresh, in our own words. */
export interface FraudWarningSnapshot extends FraudWarningFacts {
  /** Of its charge: the answer to why nothing can be done any more. */
  readonly isDisputed: boolean;
  readonly isRefunded: boolean;
}

/** Everything that the workflow of a fraud warning decides on, and what is shown of it. Amounts in minor units. */
export interface FraudWarningRecord extends FraudWarningFacts {
  readonly orderId: string;
  readonly currency: string;
  /** What could be given back of all payments of the order: a stolen card paid for the whole of it. */
  readonly refundable: number;
  /** What of the order is left to ship: a warning stops nothing by itself. */
  readonly linesToShip: readonly LineQuantity[];
  /** Nobody is waited for any more after this. */
  readonly until: string;
  readonly decision?: { readonly action: 'refund' | 'ignore'; readonly actor: string; readonly at: string };
  /** Our refund that the decision began, and how it stands. */
  readonly refundId?: string;
  readonly refundState?: RefundState;
  readonly ended?: FraudWarningEnd;
  readonly closedAt?: string;
  readonly exceptions: readonly OrderException[];
}

/** What a shop decides for early fraud warnings. */
export interface FraudWarningPolicy {
  /** A warning that nobody decided on lapses after this. Milliseconds. */
  readonly limitMs: number;
}

const DAY_MS = 24 * 3_600_000;

export const DEFAULT_FRAUD_WARNING_POLICY: FraudWarningPolicy = {
  // Most warnings that become disputes do so within weeks; later a refund mostly gives money away. Source: Stripe, "Early fraud warnings".
  limitMs: 30 * DAY_MS,
};

/** Whom a warning waits for; undefined where nothing more is to come. Pure. */
export function fraudWarningWaiting({
  ended,
  until,
}: Pick<FraudWarningRecord, 'ended' | 'until'>): Waiting | undefined {
  if (ended !== undefined) return undefined;
  return { on: 'approver', until, why: 'refund the payment before it is disputed, or ignore the warning' };
}

/** Why nothing is to be decided any more, by how things stand; undefined where a person is waited for. Pure. */
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
