import { refused } from '../http/errors';
import type { PaymentIntent, PaymentIntentStatus } from '../state/model';

/** Where a PaymentIntent may go from each status. https://docs.stripe.com/payments/paymentintents/lifecycle */
export const TRANSITIONS: Readonly<Record<PaymentIntentStatus, readonly PaymentIntentStatus[]>> = {
  requires_payment_method: [
    'requires_payment_method',
    'requires_confirmation',
    'requires_action',
    'requires_capture',
    'succeeded',
    'canceled',
  ],
  requires_confirmation: ['requires_payment_method', 'requires_action', 'requires_capture', 'succeeded', 'canceled'],
  requires_action: [
    'requires_payment_method',
    'requires_confirmation',
    'requires_action',
    'requires_capture',
    'processing',
    'succeeded',
    'canceled',
  ],
  // No card enters `processing`; the row is for bank debits, which may come later.
  processing: ['requires_payment_method', 'requires_capture', 'succeeded', 'canceled'],
  requires_capture: ['requires_capture', 'succeeded', 'canceled'],
  canceled: [],
  succeeded: [],
};

const CONFIRMABLE: readonly PaymentIntentStatus[] = [
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
];
const CANCELABLE: readonly PaymentIntentStatus[] = [...CONFIRMABLE, 'requires_capture', 'processing'];

/** Changes the status; a transition that the table does not have is a bug of the simulator, so it throws. */
export function moveTo(intent: PaymentIntent, status: PaymentIntentStatus): void {
  if (!TRANSITIONS[intent.status].includes(status)) {
    throw new Error(`${intent.id} cannot go from ${intent.status} to ${status}`);
  }
  intent.status = status;
}

function unexpectedState(intent: PaymentIntent, message: string): Error {
  return refused(message, { code: 'payment_intent_unexpected_state', payment_intent: intent });
}

export function assertConfirmable(intent: PaymentIntent): void {
  if (CONFIRMABLE.includes(intent.status)) return;
  const message =
    intent.status === 'succeeded'
      ? 'You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.'
      : `You cannot confirm this PaymentIntent because it has a status of ${intent.status}. Only a PaymentIntent with one of the following statuses may be confirmed: ${CONFIRMABLE.join(', ')}.`;
  throw unexpectedState(intent, message);
}

export function assertCapturable(intent: PaymentIntent): void {
  if (intent.status === 'requires_capture') return;
  throw unexpectedState(
    intent,
    `This PaymentIntent could not be captured because it has a status of ${intent.status}. Only a PaymentIntent with one of the following statuses may be captured: requires_capture.`,
  );
}

export function assertCancelable(intent: PaymentIntent): void {
  if (CANCELABLE.includes(intent.status)) return;
  throw unexpectedState(
    intent,
    `You cannot cancel this PaymentIntent because it has a status of ${intent.status}. Only a PaymentIntent with one of the following statuses may be canceled: ${CANCELABLE.join(', ')}.`,
  );
}

/** Amount, currency, customer, capture method and payment method are fixed once the card network has approved. */
export function assertEditable(intent: PaymentIntent, fields: readonly string[]): void {
  const [field] = fields;
  if (field === undefined || CONFIRMABLE.includes(intent.status)) return;
  throw unexpectedState(
    intent,
    `This PaymentIntent's ${field} could not be updated because it has a status of ${intent.status}. You may only update the ${field} of a PaymentIntent with one of the following statuses: ${CONFIRMABLE.join(', ')}.`,
  );
}

/** A confirmation without anything to charge. */
export function missingPaymentMethod(intent?: PaymentIntent): Error {
  return refused(
    "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.",
    { code: 'payment_intent_unexpected_state', ...(intent === undefined ? {} : { payment_intent: intent }) },
  );
}
