import Stripe from 'stripe';
import { retryAfterMs } from './errors';
import type { ProviderRefusal } from './limiter';

/**
 * What a 429 says about rates; undefined for any other error, and for a 429 that is about one object (a lock, the updates of one
 * PaymentIntent), which slower requests for others do not mend. Source: Stripe, "Rate limits" (`Stripe-Rate-Limited-Reason`).
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
