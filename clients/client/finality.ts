import type { SendNoticeAgainAnswer } from '../../workflows/domain/notice/notices';
import type { DisputeRefusalReason } from '../../workflows/dispute/messages';
import type { FraudWarningRefusalReason } from '../../workflows/fraud-warning/messages';
import type { CheckoutAnswer } from '../../workflows/checkout/messages';
import type { RefusalReason } from '../../workflows/domain/order/commands';
import type { RefundCommandAnswer } from '../../workflows/refund/messages';
import type { RefundRefusalReason } from '../../workflows/domain/refund/request';
import type { PayRefusalReason } from '../../workflows/subscription/messages';

type RefusalOf<Answer> = Extract<Answer, { readonly accepted: false; readonly reason: string }>['reason'];

/** What an answer says, in one word: a checkout's state or code, why a command was refused, or how it went. */
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
 * Which answers are final: asked again under the same key, the request gets the same answer without being sent again. Every
 * other may change, so it is kept nowhere: not under an Idempotency-Key of the gateway, nor under the id of an update.
 *
 * In doubt an answer is not final: asking once more costs one request, and an answer that is kept though it has changed makes
 * "send the same again to ask" a lie. New reasons must be added here: the compiler asks for them.
 */
const FINAL: Readonly<Record<Word, boolean>> = {
  // Done. What becomes of it later is read from the order, the refund, the dispute or the subscription.
  accepted: true,
  placed: true,
  /**
   * One key is one try with one payment method. The bank has answered it, and would be asked about the same try: Stripe, too,
   * keeps a decline under its key. Another try, with the same card or another one, is a new intent and has a new key.
   */
  card_declined: true,
  declined: true,
  /** The customer may have authenticated since. */
  requires_action: false,

  // Checkouts: nothing was bought. Stock comes in, prices and limits change, outages pass.
  out_of_stock: false,
  invalid: false,
  failed: false,
  payment_unavailable: false,
  /** Disputes are closed and limits change: the same request asks the provider again, under a key of its own. */
  payment_refused: false,
  order_unavailable: false,
  abandoned: false,
  /** Until the checkout that runs has ended. For good only where the cart id is an order: see `isFinalProblem`. */
  cart_changed: false,

  // Orders. What is shipped or cancelled stays so; money and disputes move on.
  unknown_line: true,
  exceeds_remaining: true,
  tracking_number_used: true,
  already_shipped: true,
  unknown_order: false,
  unknown_shipment: false,
  /** Of all parcels under way, the late one may arrive first. */
  delivered_before_shipped: false,
  /** Also answered while a cancel is not settled, which may fail. */
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

  // Refunds. What can be refunded grows with each capture, and again where a refund fails.
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

/** The fields that answers tell their outcome by. */
interface Told {
  readonly accepted?: boolean;
  readonly state?: string;
  readonly outcome?: string;
  readonly reason?: string;
  readonly code?: string;
  readonly placed?: boolean;
}

/** Is this answer of a workflow final? */
export function isFinal(answer: unknown): boolean {
  const { accepted, state, outcome, reason, ...rest } = answer as Told;
  if (accepted === false) return isFinalWord(reason);
  if (state === 'failed') return isFinalProblem(rest);
  return accepted === true
    ? isFinalWord((outcome ?? state) === 'requires_action' ? 'requires_action' : 'accepted')
    : isFinalWord(state);
}

/** Is the problem that an answer became final? By its `code`; codes that are no answer of a command are not. */
export function isFinalProblem({ code, placed }: Pick<Told, 'code' | 'placed'>): boolean {
  return code === 'cart_changed' ? placed === true : isFinalWord(code);
}

/** Is this one of the words that answers are told by? */
export function isAnswerWord(word: string | undefined): boolean {
  return word !== undefined && Object.hasOwn(FINAL, word);
}

function isFinalWord(word: string | undefined): boolean {
  return isAnswerWord(word) && FINAL[word as Word];
}
