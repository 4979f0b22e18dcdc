import { formatMoney } from '../shared/money';
import { isUnresolved, unresolvedAmount, type RefundFacts } from './refund';

/** Reasons in words, for the person who gets the exception. Source: Stripe API, `failure_reason` of a refund, and its error codes. */
const WORDS: Readonly<Record<string, string>> = {
  lost_or_stolen_card: 'the card was reported lost or stolen',
  expired_or_canceled_card: 'the card is expired or canceled',
  charge_for_pending_refund_disputed: 'the customer disputed the payment meanwhile',
  insufficient_funds: 'the balance at the payment provider does not cover the refund',
  declined: "the customer's bank declined the refund",
  merchant_request: 'the refund was canceled at the request of the shop',
  unknown: "the customer's bank gave no reason",
  amount_too_large: 'the payment provider says that less of the payment is left',
  charge_already_refunded: 'the payment provider says that the payment was refunded before',
  charge_disputed: 'the payment provider says that the payment is disputed',
  charged_back: 'a dispute of the payment was lost, and the payment provider refunds nothing of what is left',
  disputed: 'the payment is disputed, so the bank decides about its money',
  capture_unknown: 'it could not be found out in time whether the payment was captured',
  canceled: 'the refund was canceled at the payment provider',
  canceled_by_person: 'a person canceled the refund',
};

/** The reason in words; the provider's code if it is unknown here. */
export function reasonInWords(reason: string | undefined): string {
  return reason === undefined ? 'no reason was given' : (WORDS[reason] ?? `the payment provider says "${reason}"`);
}

/** Why this refund failed: the reasons of all its failed parts. */
export function failureInWords(refund: RefundFacts): string {
  const reasons = refund.parts.flatMap((part) =>
    (part.status === 'failed' || part.status === 'canceled') && part.resolvedAt === undefined
      ? [part.failureReason ?? (part.status === 'canceled' ? 'canceled' : undefined)]
      : [],
  );
  const all = refund.parts.length === 0 ? [refund.endedReason] : [...new Set(reasons)];
  return all.map(reasonInWords).join('; ');
}

/** Reasons for which the provider also refuses another refund while the dispute is open or after it is lost. */
const OF_DISPUTES = ['charge_disputed', 'charge_for_pending_refund_disputed', 'charged_back', 'disputed'];

/** Did all failed parts fail because of a dispute? */
function isStoppedByDispute(refund: RefundFacts): boolean {
  const parts = refund.parts.filter(isUnresolved);
  const reasons = refund.parts.length === 0 ? [refund.endedReason] : parts.map((one) => one.failureReason);
  return reasons.every((one) => one !== undefined && OF_DISPUTES.includes(one));
}

const ANOTHER =
  'another_refund: try again at the payment provider, e.g. once the balance covers it or the card works again';
const OTHERS: readonly string[] = [
  'manual_transfer: pay the money back in another way, and give its reference',
  'dismiss: nothing needs to be refunded',
];

/** What a person can do about a failed refund. */
export function waysOut(refund: RefundFacts): readonly string[] {
  return isStoppedByDispute(refund) ? OTHERS : [ANOTHER, ...OTHERS];
}

/** The exception message of a failed refund: what happened, what is at risk, what to do next. */
export function failedMessage(refund: RefundFacts): string {
  const money = formatMoney({ amount: unresolvedAmount(refund), currency: refund.currency });
  const ways = isStoppedByDispute(refund)
    ? 'Make a manual transfer once the dispute is decided (another refund only if it is won), or dismiss the refund.'
    : 'Make another refund or a manual transfer, or dismiss the refund.';
  return `${money} of refund ${refund.refundId} were not refunded to the customer: ${failureInWords(refund)}. The shop has the money. ${ways}`;
}
