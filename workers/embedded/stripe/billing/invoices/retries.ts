import type { BillingSettings } from '../settings';

/**
 * Refusals after which Stripe sends no retry until there is a new payment method, but still counts the retries. `expired_card` is not one of them: the network may know the new card.
 * https://docs.stripe.com/billing/revenue-recovery/smart-retries#non-retryable-decline-codes
 */
const HARD_DECLINES = new Set([
  'authentication_required',
  'highest_risk_level',
  'incorrect_number',
  'lost_card',
  'pickup_card',
  'revocation_of_all_authorizations',
  'revocation_of_authorization',
  'stolen_card',
  'transaction_not_allowed',
]);
/** The first retries are closer together, because a bank often accepts on the next day what it refused in the evening. */
const GROWTH = 1.3;

export function isHardDecline(declineCode: string | undefined): boolean {
  return declineCode !== undefined && HARD_DECLINES.has(declineCode);
}

/**
 * When the retry after `done` others is due, in milliseconds after the first failure; undefined if there is none. `spread` (0 to
 * 1) moves it a little earlier, so that the retries of many invoices do not coincide.
 */
export function retryOffsetMs(settings: BillingSettings, done: number, spread: number): number | undefined {
  if (settings.scheduleMs !== undefined) return settings.scheduleMs[done];
  const { retries, retryWindowMs } = settings;
  if (done >= retries) return undefined;
  const at = (count: number): number => retryWindowMs * (count / retries) ** GROWTH;
  const early = (at(done + 1) - at(done)) * 0.25 * spread;
  return Math.floor(at(done + 1) - early);
}

/** A number from 0 to 1 that depends only on the text (FNV-1a), so for ids it repeats with the seed. */
export function spreadOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return hash / 2 ** 32;
}
