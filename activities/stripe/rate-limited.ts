import Stripe from 'stripe';
import { retryAfterMs } from './errors';
import type { ProviderRefusal } from './limiter';

/**
 * The rate limit that a 429 reports; undefined for any other error, and for a 429 about one object (a lock, the updates of one
 * PaymentIntent), because slowing other requests down does not help there. Source: Stripe, "Rate limits"
 * (`Stripe-Rate-Limited-Reason`).
 */
export function rateLimitOf(error: unknown, endpoint: string): ProviderRefusal | undefined {
  if (!(error instanceof Stripe.errors.StripeRateLimitError) || error.code === 'lock_timeout') return undefined;
  const reason = error.headers?.['stripe-rate-limited-reason'];
  if (reason === 'resource-specific') return undefined;
  return { endpoint, scope: scopeOf(reason), retryAfterMs: retryAfterMs(error) };
}

function scopeOf(reason: string | undefined): ProviderRefusal['scope'] {
  if (reason?.startsWith('endpoint-') === true) return 'endpoint';
  return reason?.startsWith('global-') === true ? 'account' : 'unknown';
}
