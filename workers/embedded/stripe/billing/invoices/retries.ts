import type { BillingSettings } from '../settings';

/**
 * Refusals after which Stripe sends no retry until there is a new payment method, while the retries go on being
 * counted. `expired_card` is not one of them: the network may know the new card.
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
/** Retries come closer together at first: what a bank refuses in the evening it often grants the next day. */
const GROWTH = 1.3;

export function isHardDecline(declineCode: string | undefined): boolean {
  return declineCode !== undefined && HARD_DECLINES.has(declineCode);
}

/**
 * When the retry after `done` others is due, in milliseconds after the first failure; undefined where that was the
 * last. `spread` (0 to 1) moves it within its own stretch of time, so that the retries of many invoices do not meet.
 */
export function retryOffsetMs(settings: BillingSettings, done: number, spread: number): number | undefined {
  if (settings.scheduleMs !== undefined) return settings.scheduleMs[done];
  const { retries, retryWindowMs } = settings;
  if (done >= retries) return undefined;
  const at = (count: number): number => retryWindowMs * (count / retries) ** GROWTH;
  const early = (at(done + 1) - at(done)) * 0.25 * spread;
  return Math.floor(at(done + 1) - early);
}

/** A number from 0 to 1 that is always the same for the same text (FNV-1a); ids, and so it, repeat with the seed. */
export function spreadOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return hash / 2 ** 32;
}
