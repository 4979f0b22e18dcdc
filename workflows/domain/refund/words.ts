import { formatMoney } from '../shared/money';
import { unresolvedAmount, type RefundFacts } from './refund';

/** What a reason means, for the person who gets the case. Source: Stripe API, `failure_reason` of a refund, and its error codes. */
const WORDS: Readonly<Record<string, string>> = {
  lost_or_stolen_card: 'the card was reported lost or stolen',
  expired_or_canceled_card: 'the card is expired or canceled',
  charge_for_pending_refund_disputed: 'the customer disputed the payment meanwhile',
  insufficient_funds: 'the balance at the payment provider does not cover it',
  declined: "the customer's bank declined it",
  merchant_request: 'it was canceled at the request of the shop',
  unknown: "the customer's bank gave no reason",
  amount_too_large: 'the payment provider says that less of the payment is left',
  charge_already_refunded: 'the payment provider says that the payment was given back before',
  charge_disputed: 'the payment provider says that the payment is disputed',
  disputed: 'the payment is disputed, so the bank decides about its money',
  capture_unknown: 'whether the payment was captured could not be found out in time',
  canceled: 'it was canceled at the payment provider',
  canceled_by_person: 'a person canceled it',
};

/** The reason in words; the provider's own where it is not known here. */
export function reasonInWords(reason: string | undefined): string {
  return reason === undefined ? 'no reason was given' : (WORDS[reason] ?? `the payment provider says "${reason}"`);
}

/** Why money of this refund did not go back; the reasons of all its parts that failed. */
export function failureInWords(refund: RefundFacts): string {
  const reasons = refund.parts.flatMap((part) =>
    (part.status === 'failed' || part.status === 'canceled') && part.resolvedAt === undefined
      ? [part.failureReason ?? (part.status === 'canceled' ? 'canceled' : undefined)]
      : [],
  );
  const all = refund.parts.length === 0 ? [refund.endedReason] : [...new Set(reasons)];
  return all.map(reasonInWords).join('; ');
}

/** What a person can do about a refund that failed, one way each. */
export const WAYS_OUT: readonly string[] = [
  'another_refund: try again at the payment provider, e.g. once the balance covers it or the card works again',
  'manual_transfer: give the money back in another way, and say under which reference',
  'dismiss: nothing is to be given back any more',
];

/** The message of the exception of a refund that failed: what happened, what is at risk, what to do next. */
export function failedMessage(refund: RefundFacts): string {
  const money = formatMoney({ amount: unresolvedAmount(refund), currency: refund.currency });
  return `${money} of refund ${refund.refundId} did not go back to the customer: ${failureInWords(refund)}. The shop has the money. Ways out: another refund, a manual transfer, or dismiss it.`;
}
