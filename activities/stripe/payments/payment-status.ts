import type Stripe from 'stripe';
import type { Hold } from '../../../workflows/domain/order/order';
import type { PaymentStatus } from '../../../workflows/payment/ports';
import type { CardDetails } from '../../storage/payments/store';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/**
 * Windows for a charge without `capture_before`: the shorter of those for charges by the customer and by the merchant, because
 * acting too early on a hold costs little and too late costs the money. Source: Stripe, "Place a hold on a payment method".
 */
const VISA_WINDOW_MS = 4 * DAY_MS + 18 * HOUR_MS;
const OTHER_WINDOW_MS = 7 * DAY_MS;

/** The status of a PaymentIntent that was fetched with its `latest_charge`. An unconfirmed one holds nothing: `none`. */
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

/** What was captured before the cancel stays captured. */
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
 * Did the hold end because its time was over? `expired` means this; `automatic`, the older name, also means a payment that was
 * confirmed too often. Any other reason, or none, is a decision: ours, which our record shows, or a person's.
 */
function hasRunOut(intent: Stripe.PaymentIntent): boolean {
  const charge = chargeOf(intent);
  // Without an approved charge nothing was ever held.
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
 * The charge of the latest try; undefined if it was not expanded, or if the latest try made none. If 3-D Secure was not passed,
 * `latest_charge` and its bank's answer belong to an earlier try.
 */
export function chargeOf(intent: Stripe.PaymentIntent): Stripe.Charge | undefined {
  const charge = intent.latest_charge;
  if (typeof charge !== 'object' || charge === null) return undefined;
  const refusal = intent.last_payment_error;
  return refusal === null || refusal.charge === charge.id ? charge : undefined;
}

/** The properties by which the banks' answers are counted. No card numbers. */
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

/** The id of a reference that may be expanded. */
export function idOf(value: string | { readonly id: string } | null | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.id;
}
