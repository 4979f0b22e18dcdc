import type { Account } from '../state/account';
import { refused } from '../http/errors';
import { moveTo } from './intent-states';
import { CLOCK_CAUSE, type Charge, type StoredPaymentIntent } from '../state/model';

/** Plans the end of a hold at its `capture_before` (plus the account's `expiryLagMs`), unless it is captured or cancelled first. */
export function scheduleExpiry(account: Account, intent: StoredPaymentIntent, charge: Charge): void {
  const captureBefore = charge.payment_method_details.card.capture_before;
  if (captureBefore === undefined) return;
  intent.hold = account.clock.at(captureBefore * 1000 + account.settings.expiryLagMs, () =>
    expire(account, intent, charge),
  );
}

/** Cancels the timer of a hold that is captured or cancelled. */
export function endHold(intent: StoredPaymentIntent): void {
  intent.hold?.cancel();
  intent.hold = undefined;
}

/** Refuses a capture between `capture_before` and the cancellation of the expired hold. */
export function assertNotExpired(account: Account, charge: Charge): void {
  const captureBefore = charge.payment_method_details.card.capture_before;
  if (captureBefore === undefined || account.clock.now() < captureBefore * 1000) return;
  throw refused('This charge can no longer be captured because its authorization has expired.', {
    code: account.settings.lateCaptureCode,
  });
}

/** After a restart: the hold's timer, and the page for 3-D Secure, which this process serves, maybe on another port. */
export function resumeIntent(account: Account, intent: StoredPaymentIntent): void {
  moveAuthentication(intent.object, account.baseUrl());
  const { status, latest_charge: chargeId } = intent.object;
  const charge = chargeId === null ? undefined : account.charges.get(chargeId);
  if (status === 'requires_capture' && charge !== undefined) scheduleExpiry(account, intent, charge);
}

function moveAuthentication({ next_action: action }: StoredPaymentIntent['object'], baseUrl: string): void {
  const move = (url: string): string => url.replace(/^http:\/\/[^/]+(?=\/_simulator\/)/, baseUrl);
  if (action?.redirect_to_url?.url != null) action.redirect_to_url.url = move(action.redirect_to_url.url);
  const sdk = action?.use_stripe_sdk as { stripe_js?: string } | undefined;
  if (sdk?.stripe_js !== undefined) sdk.stripe_js = move(sdk.stripe_js);
}

function expire(account: Account, intent: StoredPaymentIntent, charge: Charge): void {
  const pi = intent.object;
  intent.hold = undefined;
  if (pi.status !== 'requires_capture') return;
  pi.amount_capturable = 0;
  if (pi.amount_received > 0) {
    // Multicapture: what was captured stays captured, and the intent ends as paid.
    moveTo(pi, 'succeeded');
    charge.captured = true;
    account.log.emit('charge.expired', charge, CLOCK_CAUSE);
    account.log.emit('payment_intent.succeeded', pi, CLOCK_CAUSE);
    return;
  }
  moveTo(pi, 'canceled');
  pi.cancellation_reason = 'expired';
  pi.canceled_at = account.clock.nowSeconds();
  account.log.emit('charge.expired', charge, CLOCK_CAUSE);
  account.log.emit('payment_intent.canceled', pi, CLOCK_CAUSE);
}
