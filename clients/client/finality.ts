import type { SendNoticeAgainAnswer } from '../../workflows/domain/notice/notices';
import type { DisputeRefusalReason } from '../../workflows/dispute/messages';
import type { FraudWarningRefusalReason } from '../../workflows/fraud-warning/messages';
import type { CheckoutAnswer } from '../../workflows/checkout/messages';
import type { RefusalReason } from '../../workflows/domain/order/commands';
import type { RefundCommandAnswer } from '../../workflows/refund/messages';
import type { RefundRefusalReason } from '../../workflows/domain/refund/request';
import type { PayRefusalReason } from '../../workflows/subscription/messages';

type RefusalOf<Answer> = Extract<Answer, { readonly accepted: false; readonly reason: string }>['reason'];

/** An answer in one word: a checkout's state or code, the reason of a refusal, or the outcome of a command. */
type Word =
  | CheckoutAnswer['state']
  | Extract<CheckoutAnswer, { state: 'failed' }>['code']
  | 'card_declined'
  | 'accepted'
  | RefusalReason
  | RefundRefusalReason
  | RefusalOf<RefundCommandAnswer>
  | DisputeRefusalReason
  | FraudWarningRefusalReason
  | PayRefusalReason
  | RefusalOf<SendNoticeAgainAnswer>;

/**
 * Which answers are final: a request with the same key gets the same answer without being sent again. Other answers may change, so
 * they are never stored: neither under an Idempotency-Key of the gateway nor under the id of an update.
 *
 * In doubt an answer is not final: asking again costs one request, but a stored answer that has changed misleads callers who
 * send the same request again. The compiler requires an entry here for every new reason.
 */
const FINAL: Readonly<Record<Word, boolean>> = {
  // Done. What becomes of it later is read from the order, the refund, the dispute or the subscription.
  accepted: true,
  placed: true,
  /**
   * One key is one try with one payment method, and the bank has decided it; Stripe, too, keeps a decline under its key. Another
   * try, with the same card or another one, needs a new key.
   */
  card_declined: true,
  declined: true,
  /** The customer may have authenticated meanwhile. */
  requires_action: false,

  // Checkouts: nothing was bought. Stock comes in, prices and limits change, outages pass.
  out_of_stock: false,
  invalid: false,
  failed: false,
  payment_unavailable: false,
  /** Disputes are closed and limits change: the same request asks the provider again, under another provider key. */
  payment_refused: false,
  order_unavailable: false,
  abandoned: false,
  /** Applies until the running checkout has ended; permanent only if the cart has become an order: see `isFinalProblem`. */
  cart_changed: false,

  // Orders. Shipments and cancels are permanent; money and disputes may change.
  unknown_line: true,
  exceeds_remaining: true,
  tracking_number_used: true,
  already_shipped: true,
  unknown_order: false,
  unknown_shipment: false,
  /** Without a shipment id, the request concerns all parcels under way, and these change. */
  delivered_before_shipped: false,
  /** Also the answer while a cancel is in progress, which may fail. */
  order_cancelled: false,
  unknown_warehouse: false,
  not_in_warehouse: false,
  nothing_shipped: false,
  captured_needs_refund: false,
  payment_needed: false,
  payment_cancelled: false,
  outcome_unknown: false,
  no_payment_needed: false,
  disputed: false,
  refunded: false,
  nothing_to_decide: false,
  action_not_possible: false,
  needs_person: false,

  // Refunds. The refundable amount grows with each capture and with each failed refund.
  wrong_currency: true,
  not_a_multiple: true,
  refund_id_used: true,
  exceeds_line: false,
  exceeds_refundable: false,
  charged_back: false,
  worth_nothing: false,
  nothing_captured: false,
  needs_approval: false,
  unknown_refund: false,
  nothing_to_resolve: false,
  too_late: false,

  // Disputes and early fraud warnings. A bank may open another round.
  warning_closed: true,
  unknown_dispute: false,
  dispute_closed: false,
  already_decided: false,
  refused_by_provider: false,
  unknown_warning: false,
  refund_refused: false,

  // Subscriptions and notices.
  subscription_canceled: true,
  no_longer_true: true,
  unknown_subscription: false,
  unknown_payment_method: false,
  unknown_notice: false,
  not_in_doubt: false,
};

/** The fields of answers that contain their outcome. */
interface Outcome {
  readonly accepted?: boolean;
  readonly state?: string;
  readonly outcome?: string;
  readonly reason?: string;
  readonly code?: string;
  readonly placed?: boolean;
}

/** Is this answer of a workflow final? */
export function isFinal(answer: unknown): boolean {
  const { accepted, state, outcome, reason, ...rest } = answer as Outcome;
  if (accepted === false) return isFinalWord(reason);
  if (state === 'failed') return isFinalProblem(rest);
  return accepted === true
    ? isFinalWord((outcome ?? state) === 'requires_action' ? 'requires_action' : 'accepted')
    : isFinalWord(state);
}

/** Is the problem that was made of an answer final? Decided by its `code`; codes that are not a command's answer are never final. */
export function isFinalProblem({ code, placed }: Pick<Outcome, 'code' | 'placed'>): boolean {
  return code === 'cart_changed' ? placed === true : isFinalWord(code);
}

/** Is this the word of an answer? */
export function isAnswerWord(word: string | undefined): boolean {
  return word !== undefined && Object.hasOwn(FINAL, word);
}

function isFinalWord(word: string | undefined): boolean {
  return isAnswerWord(word) && FINAL[word as Word];
}
