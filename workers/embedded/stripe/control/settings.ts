import { MONEY_DEFAULTS, type MoneySettings } from './money-settings';
import type { BillingSettings } from '../billing/settings';

export interface AccountSettings extends MoneySettings {
  /** How long a hold lasts, in milliseconds; by default the windows of the card networks apply. */
  holdDurationMs: number | undefined;
  /** Whether the account's pricing includes multicapture (Stripe: IC+ only). */
  multicapture: boolean;
  /** How long after `capture_before` Stripe's sweep cancels the hold, in milliseconds; captures in between are refused. */
  expiryLagMs: number;
  /** The error code of a capture in that gap. */
  lateCaptureCode: 'capture_charge_authorization_expired' | 'charge_expired_for_capture';
  /** How old a PaymentIntent must be before search finds it, in milliseconds (Stripe: usually under a minute). */
  searchLagMs: number;
  /** How often one PaymentIntent may be confirmed; one more try cancels it (Stripe: a variable upper limit). */
  maxConfirmations: number;
  /** Whether amounts under Stripe's minimum for the currency are refused. */
  enforceMinimumAmounts: boolean;
  /** How invoices are collected, where it differs from a new Stripe account. */
  billing: Partial<BillingSettings>;
}

const DEFAULTS: AccountSettings = {
  holdDurationMs: undefined,
  multicapture: false,
  expiryLagMs: 0,
  lateCaptureCode: 'capture_charge_authorization_expired',
  // Stripe: "typically searchable in less than a minute"; code that reads its own writes must not rely on it.
  searchLagMs: 60_000,
  // Stripe does not say where its limit is; no test comes near this one by accident.
  maxConfirmations: 50,
  enforceMinimumAmounts: true,
  ...MONEY_DEFAULTS,
  billing: {},
};

/** The settings that are given, and Stripe's own behaviour for the rest. */
export function settingsFrom(given: Partial<AccountSettings>): AccountSettings {
  const names = Object.keys(DEFAULTS) as (keyof AccountSettings)[];
  const chosen = names.filter((name) => given[name] !== undefined).map((name) => [name, given[name]]);
  return { ...DEFAULTS, ...(Object.fromEntries(chosen) as Partial<AccountSettings>) };
}
