import type { Account } from '../account';
import type { Action } from '../control';
import type { BillingSettings } from './settings';

/** What tests and the demo set of Stripe Billing, which Stripe itself sets in its dashboard. */
export interface BillingControls {
  /**
   * Changes how invoices are collected; what is not named stays. Failures to come count by it, retries that are planned
   * already keep their time.
   * @throws RangeError naming the setting that cannot be
   */
  setBilling(changes: Partial<BillingSettings>): void;
  /** How invoices are collected now. */
  billing(): BillingSettings;
}

export function billingControls(account: Account, changed: () => void): BillingControls {
  return {
    setBilling: (changes) => {
      account.billing.set(changes);
      changed();
    },
    billing: () => account.billing.now,
  };
}

export const BILLING_ACTIONS: Record<string, Action> = {
  'GET /billing': (simulator) => simulator.billing(),
  'POST /billing': (simulator, body: Partial<BillingSettings>) => {
    simulator.setBilling(body);
    return simulator.billing();
  },
};
