/** The codes of a refusal by a bank, or by the provider instead of the bank. All of them are open sets. */
export interface Decline {
  readonly declineCode?: string;
  /** The provider's reading of the network's advice: `do_not_try_again`, `confirm_card_data`, `try_again_later`. */
  readonly adviceCode?: string;
  /** Two digits of the card network: Mastercard's merchant advice codes. */
  readonly networkAdviceCode?: string;
  /** The network's answer, e.g. an ISO 8583 response code. */
  readonly networkDeclineCode?: string;
}

/** The class of a refusal, and why: for logs and tests, never for the customer. */
export interface Verdict {
  readonly declineClass: DeclineClass;
  readonly why: string;
}

/** The customer must identify themselves to the bank; only they can. */
const AUTHENTICATION: ReadonlySet<string> = new Set([
  'authentication_required',
  'authentication_not_handled',
  'payment_intent_authentication_failure',
]);

/**
 * After these codes the provider does not try again before there is a new payment method. Source: Stripe, "Automate payment
 * retries", non-retryable decline codes (the ninth, `authentication_required`, is its own class here).
 */
const NEVER_TRIED_AGAIN: ReadonlySet<string> = new Set([
  'incorrect_number',
  'lost_card',
  'pickup_card',
  'stolen_card',
  'revocation_of_authorization',
  'revocation_of_all_authorizations',
  'highest_risk_level',
  'transaction_not_allowed',
]);

/**
 * The provider may try again after these codes, but no try can succeed with the same card. Asking for another card when a retry would
 * have succeeded costs a needless mail; promising a retry that cannot succeed costs the subscription.
 * Source: Stripe, "Decline codes", next steps.
 */
const NEEDS_ANOTHER_CARD: ReadonlySet<string> = new Set([
  'card_not_supported',
  'currency_not_supported',
  'do_not_try_again',
  'expired_card',
  'fraudulent',
  'incorrect_cvc',
  'invalid_account',
  'invalid_cvc',
  'invalid_expiry_month',
  'invalid_expiry_year',
  'invalid_number',
  'merchant_blacklist',
  'new_account_information_available',
  'not_permitted',
  'previously_declined_do_not_retry',
  'restricted_card',
  'security_violation',
  'service_not_allowed',
  'stop_payment_order',
]);

const FINAL_ADVICE: ReadonlySet<string> = new Set(['do_not_try_again', 'confirm_card_data']);
/** Mastercard: 03 do not try again, 21 the customer has cancelled. */
const FINAL_NETWORK_ADVICE: ReadonlySet<string> = new Set(['03', '21']);
/** Visa: 1A, customer authentication required. Mastercard's 65 means this or a limit exceeded, so it decides nothing. */
const NETWORK_AUTHENTICATION = '1A';
/** Pick up (04, 07), no such card or issuer (14, 15), lost (41), stolen (43), account closed (46), stopped by the holder (R0, R1, R3). */
const FINAL_NETWORK_CODES: ReadonlySet<string> = new Set('04 07 14 15 41 43 46 R0 R1 R3'.split(' '));

/**
 * Classifies a refusal. The provider's rules for its own retries come first, then the network's advice, then the code itself. Unknown
 * codes are soft: the provider does try again, so a date may be promised.
 */
export function classifyDecline(decline: Decline): Verdict {
  const { declineCode = '', adviceCode = '', networkAdviceCode = '', networkDeclineCode = '' } = decline;
  if (AUTHENTICATION.has(declineCode)) return { declineClass: 'authentication', why: declineCode };
  if (NEVER_TRIED_AGAIN.has(declineCode)) return { declineClass: 'hard', why: `never tried again: ${declineCode}` };
  if (FINAL_ADVICE.has(adviceCode)) return { declineClass: 'hard', why: `advice ${adviceCode}` };
  if (adviceCode === 'try_again_later') return { declineClass: 'soft', why: `advice ${adviceCode}` };
  if (NEEDS_ANOTHER_CARD.has(declineCode)) return { declineClass: 'hard', why: `needs another card: ${declineCode}` };
  if (FINAL_NETWORK_ADVICE.has(networkAdviceCode)) {
    return { declineClass: 'hard', why: `network advice ${networkAdviceCode}` };
  }
  if (networkDeclineCode === NETWORK_AUTHENTICATION) {
    return { declineClass: 'authentication', why: `network code ${networkDeclineCode}` };
  }
  if (FINAL_NETWORK_CODES.has(networkDeclineCode)) {
    return { declineClass: 'hard', why: `network code ${networkDeclineCode}` };
  }
  return { declineClass: 'soft', why: declineCode === '' ? 'no reason was given' : `may pass: ${declineCode}` };
}

/** `soft`: the provider tries again. `hard`: another card is needed. `authentication`: the customer must confirm the payment. */
export type DeclineClass = 'soft' | 'hard' | 'authentication';
