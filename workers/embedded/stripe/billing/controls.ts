import type { Account } from '../state/account';
import { payOnPage } from './invoices/hosted-page';
import { subscriptions } from './resources';
import type { BillingSettings } from './settings';
import { armSubscription } from './subscriptions/cycle';

/** Settings of Stripe Billing for tests and the demo; at Stripe they are set in the dashboard. */
export interface BillingControls {
  /**
   * Changes how invoices are collected; other settings stay as they are. Applies to later failures; planned retries keep
   * their time.
   * @throws RangeError that names the invalid setting
   */
  setBilling(changes: Partial<BillingSettings>): void;
  /** How invoices are collected now. */
  billing(): BillingSettings;
  /**
   * The customer pays an invoice on its hosted page with another card, which is kept for the customer (not as the default).
   * @throws Error where there is nothing to pay
   */
  payInvoice(invoiceId: string, card?: string): 'paid' | 'declined' | 'requires_action';
}

export function billingControls(account: Account, changed: () => void): BillingControls {
  return {
    setBilling: (changes) => {
      account.billing.set(changes);
      // The timers that are set already use the former time of `invoice.upcoming`, so they are set again.
      if (changes.upcomingNoticeMs !== undefined)
        for (const subscription of account.of(subscriptions).values()) armSubscription(account, subscription);
      changed();
    },
    billing: () => account.billing.now,
    payInvoice: (id, card = 'pm_card_visa') => {
      const outcome = payOnPage(account, id, card);
      changed();
      return outcome;
    },
  };
}

/** The controls of billing over HTTP; see `BillingControls` for what they do. */
export const BILLING_ACTIONS: Record<string, (simulator: BillingControls, body: never, id: string) => unknown> = {
  'GET /billing': (simulator) => simulator.billing(),
  'POST /billing': (simulator, body: Partial<BillingSettings>) => {
    simulator.setBilling(body);
    return simulator.billing();
  },
  'POST /invoices/:id/pay': (simulator, body: { card?: string }, id) => ({
    outcome: simulator.payInvoice(id, body.card),
  }),
};
