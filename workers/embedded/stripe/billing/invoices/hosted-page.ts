import type { Account } from '../../state/account';
import { StripeApiError } from '../../http/errors';
import { confirm, prepareConfirmation } from '../../payments/intent-confirm';
import { CLOCK_CAUSE } from '../../state/model';
import { intentOf } from './states';
import { invoices } from '../resources';

/**
 * The customer pays an invoice on the page that Stripe hosts for it, with another card, which is kept for the customer.
 * Returns the bank's decision; with a card that needs 3-D Secure, the payment waits for that.
 * @throws Error if there is no such invoice, or nothing to pay
 */
export function payOnPage(account: Account, invoiceId: string, card: string): 'paid' | 'declined' | 'requires_action' {
  const invoice = account.of(invoices).get(invoiceId);
  const intent = invoice === undefined ? undefined : intentOf(account, invoice);
  if (invoice === undefined || intent === undefined || !['open', 'uncollectible'].includes(invoice.object.status))
    throw new Error(`No invoice to pay: ${invoiceId}`);
  const params = { payment_method: card, use_stripe_sdk: true };
  try {
    confirm(account, intent, prepareConfirmation(account, intent, params), params, CLOCK_CAUSE);
  } catch (error) {
    if (error instanceof StripeApiError && error.status === 402) return 'declined';
    throw error;
  }
  return intent.object.status === 'succeeded' ? 'paid' : 'requires_action';
}

/** A stand-in for the page that Stripe hosts for an invoice. */
export function invoicePage(invoice: Readonly<Record<string, unknown>>): string {
  const { number, status, currency, amount_remaining: amount, id } = invoice;
  const safe = (value: unknown): string => String(value).replaceAll(/[^A-Za-z0-9_ -]/g, '');
  const form = `<form method="post" action="/_simulator/invoices/${safe(id)}/pay">
<label>Card <select name="card"><option>pm_card_visa<option>pm_card_mastercard<option>pm_card_chargeDeclined</select></label>
<button>Pay</button></form>`;
  return `<!doctype html><title>Invoice (simulated)</title>
<h1>Invoice ${safe(number)}</h1>
<p>${safe(status)}: ${safe(amount)} minor units of ${safe(currency)} to pay</p>
${status === 'open' || status === 'uncollectible' ? form : ''}`;
}
