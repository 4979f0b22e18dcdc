import type { Account } from '../../state/account';
import { confirm, prepareConfirmation } from '../../payments/intent-confirm';
import type { RequestCause, StoredPaymentIntent, StoredPaymentMethod } from '../../state/model';
import { createIntent } from '../../payments/payment-intents';
import { completePayment } from './collect';
import type { StoredInvoice, Subscription } from '../model';

/** A payment that succeeded before its invoice was made. */
export type Charged = StoredPaymentIntent;

/**
 * Charges before anything else happens, for requests that change nothing unless they are paid (`error_if_incomplete`).
 * @throws StripeApiError 402 with the bank's refusal
 */
export function chargeFirst(
  account: Account,
  subscription: Subscription,
  amount: number,
  method: StoredPaymentMethod,
  offSession: boolean,
  cause: RequestCause,
): Charged {
  const { customer, currency } = subscription;
  const intent = createIntent(account, { amount, currency, customer, allowed_payment_method_types: ['card'] }, cause);
  const params = { payment_method: method.id, off_session: offSession, error_on_requires_action: true };
  confirm(account, intent, prepareConfirmation(account, intent, params), params, cause);
  return intent;
}

/** Pays the invoice with the payment that was charged before. */
export function payWithCharge(account: Account, invoice: StoredInvoice, cause: RequestCause): void {
  invoice.object.attempt_count = 1;
  completePayment(account, invoice, cause);
}
