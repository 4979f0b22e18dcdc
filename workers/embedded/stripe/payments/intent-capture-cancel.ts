import type { Account } from '../state/account';
import { bookAndFollow } from '../bank/consequences';
import { refused } from '../http/errors';
import { assertNotExpired, endHold } from './intent-expiry';
import { assertCancelable, assertCapturable, moveTo } from './intent-states';
import { mergeMetadata } from '../state/metadata';
import type { Charge, PaymentIntent, RequestCause, StoredPaymentIntent } from '../state/model';
import type { Parsed } from '../http/schema';
import type { intentCapture } from '../state/shapes';

/** Stripe's limit on captures of one PaymentIntent. https://docs.stripe.com/payments/multicapture */
const MAX_CAPTURES = 50;

/**
 * Captures (part of) a hold. A final capture, the default, releases the rest and creates no refund
 * (since API version 2025-03-31.basil); a capture that is not final needs multicapture.
 */
export function capture(
  account: Account,
  intent: StoredPaymentIntent,
  params: Parsed<typeof intentCapture>,
  cause: RequestCause,
): void {
  const pi = intent.object;
  assertCapturable(pi);
  const charge = heldCharge(account, intent);
  assertNotExpired(account, charge);
  const isFinal = params.final_capture ?? true;
  const amount = params.amount_to_capture ?? pi.amount_capturable;
  assertAmount(intent, amount, isFinal);
  const { multicapture } = charge.payment_method_details.card;
  if (!isFinal && multicapture?.status !== 'available') {
    throw refused(
      'The parameter `final_capture` can only be set to false if multicapture is available for the PaymentIntent.',
      {
        code: 'payment_intent_invalid_parameter',
        param: 'final_capture',
      },
    );
  }
  intent.captures += 1;
  charge.amount_captured += amount;
  pi.amount_received += amount;
  pi.amount_capturable -= amount;
  pi.metadata = mergeMetadata(pi.metadata, params.metadata);
  if (amount > 0) bookAndFollow(account, charge, amount);
  if (!isFinal && pi.amount_capturable > 0) {
    account.log.emit('charge.updated', charge, cause);
    account.log.emit('payment_intent.amount_capturable_updated', pi, cause);
    return;
  }
  endHold(intent);
  charge.captured = true;
  pi.amount_capturable = 0;
  moveTo(pi, 'succeeded');
  account.log.emit('charge.captured', charge, cause);
  account.log.emit('payment_intent.succeeded', pi, cause);
}

/** Cancels an unpaid intent; a hold is voided without a refund. */
export function cancel(
  account: Account,
  intent: StoredPaymentIntent,
  params: Pick<Partial<PaymentIntent>, 'cancellation_reason'>,
  cause: RequestCause,
): void {
  const pi = intent.object;
  assertCancelable(pi);
  endHold(intent);
  pi.amount_capturable = 0;
  pi.next_action = null;
  pi.cancellation_reason = params.cancellation_reason ?? null;
  pi.canceled_at = account.clock.nowSeconds();
  moveTo(pi, 'canceled');
  account.log.emit('payment_intent.canceled', pi, cause);
}

function heldCharge(account: Account, intent: StoredPaymentIntent): Charge {
  const charge = account.charges.get(intent.object.latest_charge ?? '');
  if (charge === undefined) throw new Error(`${intent.id} can be captured but has no charge`);
  return charge;
}

function assertAmount(intent: StoredPaymentIntent, amount: number, isFinal: boolean): void {
  const pi = intent.object;
  if (amount > pi.amount_capturable) {
    throw refused('The amount you requested to capture is greater than the amount you can capture for this charge.', {
      code: 'amount_too_large',
      param: 'amount_to_capture',
    });
  }
  const releasesTheRest = isFinal && intent.captures > 0;
  if (amount === 0 && !releasesTheRest) {
    throw refused('This value must be greater than or equal to 1.', {
      code: 'parameter_invalid_integer',
      param: 'amount_to_capture',
    });
  }
  if (intent.captures >= MAX_CAPTURES) {
    throw refused(`You can capture a PaymentIntent at most ${MAX_CAPTURES} times.`, {
      code: 'payment_intent_unexpected_state',
      payment_intent: pi,
    });
  }
}
