import type Stripe from 'stripe';
import type { Hold } from '../../../workflows/domain/order/order';
import type { PaymentStatus } from '../../../workflows/payment/ports';
import type { CardDetails } from '../../storage/payments/store';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/**
 * Windows for a charge that names no `capture_before`: the shorter of the customer's and the merchant's, since acting on a
 * hold too early costs little and too late costs the money. Source: Stripe, "Place a hold on a payment method".
 */
const VISA_WINDOW_MS = 4 * DAY_MS + 18 * HOUR_MS;
const OTHER_WINDOW_MS = 7 * DAY_MS;

/** What a PaymentIntent, fetched with its `latest_charge`, says of a payment. Unconfirmed ones hold nothing: `none`. */
export function paymentStatus(intent: Stripe.PaymentIntent): PaymentStatus {
  const paymentIntentId = intent.id;
  switch (intent.status) {
    case 'requires_capture':
      return {
        status: 'authorized',
        paymentIntentId,
        paymentMethodId: idOf(intent.payment_method) ?? '',
        hold: holdOf(intent),
      };
    case 'requires_action':
      return { status: 'requires_action', paymentIntentId, clientSecret: intent.client_secret ?? '' };
    case 'processing':
      return { status: 'processing', paymentIntentId };
    case 'succeeded':
      return { status: 'captured', paymentIntentId, capturedAmount: intent.amount_received };
    case 'canceled':
      return canceledStatus(intent);
    case 'requires_payment_method':
      return declinedStatus(intent);
    default:
      return { status: 'none' };
  }
}

/** Cancelled after part of it was taken: that part stays taken. */
function canceledStatus(intent: Stripe.PaymentIntent): PaymentStatus {
  const paymentIntentId = intent.id;
  const { amount_received: capturedAmount, cancellation_reason: providerReason } = intent;
  const expired = hasRunOut(intent);
  if (capturedAmount > 0) {
    const rest = expired ? {} : { restCancelled: providerReason ?? 'none' };
    return { status: 'captured', paymentIntentId, capturedAmount, ...rest };
  }
  if (expired) return { status: 'canceled', paymentIntentId, reason: 'expired' };
  return { status: 'canceled', paymentIntentId, reason: 'other', ...(providerReason !== null && { providerReason }) };
}

/**
 * Did a hold end because its time was reached? `expired` says so; `automatic`, its older name, also stands for a payment that was
 * confirmed too often. Any other reason, or none, is a decision of ours (our own record knows) or of a person.
 */
function hasRunOut(intent: Stripe.PaymentIntent): boolean {
  const charge = chargeOf(intent);
  // Without an approved charge nothing was ever held that could run out.
  if (charge === undefined || charge.status !== 'succeeded') return false;
  if (intent.cancellation_reason === 'expired') return true;
  const endedAtMs = (intent.canceled_at ?? 0) * 1000;
  return intent.cancellation_reason === 'automatic' && endedAtMs >= Date.parse(holdOf(intent).captureBefore);
}

function declinedStatus(intent: Stripe.PaymentIntent): PaymentStatus {
  const error = intent.last_payment_error;
  if (error === null) return { status: 'none' };
  const code = error.code ?? 'card_declined';
  return { status: 'declined', paymentIntentId: intent.id, code, declineCode: error.decline_code ?? code };
}

function holdOf(intent: Stripe.PaymentIntent): Hold {
  const charge = chargeOf(intent);
  const card = charge?.payment_method_details?.card;
  const authorizedAtMs = (charge?.created ?? intent.created) * 1000;
  const windowMs = card?.brand === 'visa' || card === undefined ? VISA_WINDOW_MS : OTHER_WINDOW_MS;
  const endMs = card?.capture_before === undefined ? authorizedAtMs + windowMs : card.capture_before * 1000;
  return {
    paymentIntentId: intent.id,
    authorizedAmount: intent.amount_capturable + intent.amount_received,
    capturedAmount: intent.amount_received,
    authorizedAt: new Date(authorizedAtMs).toISOString(),
    captureBefore: new Date(endMs).toISOString(),
    multicapture: card?.multicapture?.status === 'available',
  };
}

/**
 * The charge of the latest try; undefined where that made none (3-D Secure not passed: the charge that is there belongs to an
 * earlier try, and so does its bank's answer) or it was not expanded.
 */
export function chargeOf(intent: Stripe.PaymentIntent): Stripe.Charge | undefined {
  const charge = intent.latest_charge;
  if (typeof charge !== 'object' || charge === null) return undefined;
  const refusal = intent.last_payment_error;
  return refusal === null || refusal.charge === charge.id ? charge : undefined;
}

/** What the bank's answer can be counted by. No card numbers. */
export function cardDetails(intent: Stripe.PaymentIntent): CardDetails {
  const charge = chargeOf(intent);
  const card = charge?.payment_method_details?.card ?? intent.last_payment_error?.payment_method?.card;
  const fields = {
    brand: card?.brand,
    funding: card?.funding,
    country: card?.country,
    networkStatus: charge?.outcome?.network_status,
    declineCode: intent.last_payment_error?.decline_code,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => typeof value === 'string')) as CardDetails;
}

/** The id of what may be expanded. */
export function idOf(value: string | { readonly id: string } | null | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.id;
}
