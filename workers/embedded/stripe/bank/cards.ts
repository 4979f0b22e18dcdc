import type { DisputeSpec } from '../after-sale/money-model';
import type { RefundOutcome } from '../after-sale/refund-outcomes';

export type CardBehaviour =
  | { kind: 'approve' }
  /** Declined by the issuer, and therefore cannot be attached to a customer. */
  | { kind: 'decline'; code: string }
  /** Can be attached; every charge is then declined. */
  | { kind: 'decline_when_charged'; code: string }
  | { kind: 'authenticate'; when: 'always' | 'unless_set_up' }
  /** Has the money for one hold at a time: declined with insufficient funds while another hold exists. */
  | { kind: 'one_hold' };

/** What the simulated issuer knows of a test card. */
export interface CardProfile {
  readonly number: string;
  readonly brand: 'visa' | 'mastercard' | 'amex' | 'discover' | 'diners' | 'jcb' | 'unionpay';
  readonly country: string;
  readonly funding: 'credit' | 'debit' | 'prepaid';
  readonly behaviour: CardBehaviour;
}

const APPROVE: CardBehaviour = { kind: 'approve' };

function card(number: string, rest: Partial<Omit<CardProfile, 'number'>> = {}): CardProfile {
  return { number, brand: 'visa', country: 'US', funding: 'credit', behaviour: APPROVE, ...rest };
}
const declined = (number: string, code: string): CardProfile => card(number, { behaviour: { kind: 'decline', code } });

/** Issuer declines; `pm_card_X` and `pm_card_visa_X` name the same card. https://docs.stripe.com/testing#declined-payments */
const DECLINES: Record<string, CardProfile> = {
  chargeDeclined: declined('4000000000000002', 'generic_decline'),
  chargeDeclinedInsufficientFunds: declined('4000000000009995', 'insufficient_funds'),
  chargeDeclinedLostCard: declined('4000000000009987', 'lost_card'),
  chargeDeclinedStolenCard: declined('4000000000009979', 'stolen_card'),
  chargeDeclinedExpiredCard: declined('4000000000000069', 'expired_card'),
  chargeDeclinedIncorrectCvc: declined('4000000000000127', 'incorrect_cvc'),
  chargeDeclinedProcessingError: declined('4000000000000119', 'processing_error'),
  chargeDeclinedVelocityLimitExceeded: declined('4000000000006975', 'card_velocity_exceeded'),
};

/** Cards that are charged normally, with consequences afterwards. */
const CARDS_WITH_CONSEQUENCES: Record<string, CardProfile> = {
  pendingRefund: card('4000000000007726'),
  refundFail: card('4000000000005126'),
  createDispute: card('4000000000000259'),
  createDisputeProductNotReceived: card('4000000000002685'),
  createDisputeInquiry: card('4000000000001976'),
  createIssuerFraudRecord: card('4000000000005423'),
};

/** The consequences of a captured payment, or of its refund. */
export interface Consequences {
  readonly refund?: RefundOutcome;
  readonly dispute?: DisputeSpec;
  readonly fraudWarning?: true;
}

/** https://docs.stripe.com/testing#disputes and #refunds */
const CONSEQUENCES: Record<string, Consequences> = {
  '4000000000007726': { refund: { kind: 'pending' } },
  '4000000000005126': { refund: { kind: 'fail_after', failureReason: 'expired_or_canceled_card' } },
  '4000000000000259': { dispute: { kind: 'dispute', reason: 'fraudulent' } },
  '4000000000002685': { dispute: { kind: 'dispute', reason: 'product_not_received' } },
  '4000000000001976': { dispute: { kind: 'inquiry' } },
  '4000000000005423': { fraudWarning: true },
};

/** The consequences of the card with this number; none in most cases. */
export function consequencesByNumber(number: string): Consequences {
  return (Object.hasOwn(CONSEQUENCES, number) ? CONSEQUENCES[number] : undefined) ?? {};
}

/** Test cards by the name after `pm_card_`. https://docs.stripe.com/testing */
const CARDS: Record<string, CardProfile> = {
  visa: card('4242424242424242'),
  us: card('4242424242424242'),
  visa_debit: card('4000056655665556', { funding: 'debit' }),
  mastercard: card('5555555555554444', { brand: 'mastercard' }),
  mastercard_debit: card('5200828282828210', { brand: 'mastercard', funding: 'debit' }),
  mastercard_prepaid: card('5105105105105100', { brand: 'mastercard', funding: 'prepaid' }),
  amex: card('378282246310005', { brand: 'amex' }),
  discover: card('6011111111111117', { brand: 'discover' }),
  diners: card('3056930009020004', { brand: 'diners' }),
  jcb: card('3566002020360505', { brand: 'jcb', country: 'JP' }),
  unionpay: card('6200000000000005', { brand: 'unionpay', country: 'CN' }),
  br: card('4000000760000002', { country: 'BR' }),
  ca: card('4000001240000000', { country: 'CA' }),
  de: card('4000002760000016', { country: 'DE' }),
  fr: card('4000002500000003', { country: 'FR' }),
  gb: card('4000008260000000', { country: 'GB' }),
  jp: card('4000003920000003', { country: 'JP' }),
  chargeCustomerFail: card('4000000000000341', {
    behaviour: { kind: 'decline_when_charged', code: 'generic_decline' },
  }),
  authenticationRequired: card('4000002760003184', {
    country: 'DE',
    behaviour: { kind: 'authenticate', when: 'always' },
  }),
  authenticationRequiredOnSetup: card('4000002500003155', {
    country: 'FR',
    behaviour: { kind: 'authenticate', when: 'unless_set_up' },
  }),
  // Our own additions to Stripe's test cards.
  oneHoldOnly: card('4000000000990002', { funding: 'debit', behaviour: { kind: 'one_hold' } }),
  ...DECLINES,
  ...CARDS_WITH_CONSEQUENCES,
};

/** The card behind `pm_card_…` (or `tok_…`), or undefined where there is no such test card. */
export function cardByName(id: string): CardProfile | undefined {
  const name = /^(?:pm_card|tok)_(.+)$/.exec(id)?.[1];
  if (name === undefined) return undefined;
  const withoutBrand = name.replace(/^visa_/, '');
  return own(CARDS, name) ?? own(CARDS, withoutBrand);
}

/** The card with this number, or undefined where it is no test card. */
export function cardByNumber(number: string): CardProfile | undefined {
  return Object.values(CARDS).find((profile) => profile.number === number.replaceAll(/[\s-]/g, ''));
}

function own(cards: Record<string, CardProfile>, name: string): CardProfile | undefined {
  return Object.hasOwn(cards, name) ? cards[name] : undefined;
}

/** An issuer's refusal as the merchant sees it. https://docs.stripe.com/declines/codes */
export interface Decline {
  /** `error.code`. */
  readonly code: string;
  /** `error.decline_code` and `outcome.reason`. */
  readonly declineCode: string;
  readonly adviceCode: 'confirm_card_data' | 'do_not_try_again' | 'try_again_later';
  /** The card network's own response code (ISO 8583 field 39). */
  readonly networkDeclineCode: string;
  readonly message: string;
}

const DECLINE_DETAILS: Record<string, Omit<Decline, 'declineCode'>> = {
  insufficient_funds: {
    code: 'card_declined',
    adviceCode: 'try_again_later',
    networkDeclineCode: '51',
    message: 'Your card has insufficient funds.',
  },
  lost_card: {
    code: 'card_declined',
    adviceCode: 'do_not_try_again',
    networkDeclineCode: '41',
    message: 'Your card was declined.',
  },
  stolen_card: {
    code: 'card_declined',
    adviceCode: 'do_not_try_again',
    networkDeclineCode: '43',
    message: 'Your card was declined.',
  },
  expired_card: {
    code: 'expired_card',
    adviceCode: 'do_not_try_again',
    networkDeclineCode: '54',
    message: 'Your card has expired.',
  },
  incorrect_cvc: {
    code: 'incorrect_cvc',
    adviceCode: 'confirm_card_data',
    networkDeclineCode: '82',
    message: "Your card's security code is incorrect.",
  },
  processing_error: {
    code: 'processing_error',
    adviceCode: 'try_again_later',
    networkDeclineCode: '96',
    message: 'An error occurred while processing your card. Try again in a little bit.',
  },
  card_velocity_exceeded: {
    code: 'card_declined',
    adviceCode: 'try_again_later',
    networkDeclineCode: '65',
    message: 'Your card was declined for making repeated attempts too frequently or exceeding its amount limit.',
  },
  authentication_required: {
    code: 'authentication_required',
    adviceCode: 'try_again_later',
    networkDeclineCode: '1A',
    message: 'Your card was declined. This transaction requires authentication.',
  },
};
const ANY_DECLINE: Omit<Decline, 'declineCode'> = {
  code: 'card_declined',
  adviceCode: 'try_again_later',
  networkDeclineCode: '05',
  message: 'Your card was declined.',
};

/** The refusal for a decline code; codes without an entry of their own read as a plain `card_declined`. */
export function declineFor(declineCode: string): Decline {
  const details = Object.hasOwn(DECLINE_DETAILS, declineCode) ? DECLINE_DETAILS[declineCode] : undefined;
  return { declineCode, ...(details ?? ANY_DECLINE) };
}
