import type Stripe from 'stripe';
import type { RequestLimiter } from './limiter/limiter';

/** Beside the 20 s that a request may take; a notice waits gladly. */
const MAX_WAIT_MS = 8_000;

/** How to reach a customer of the provider. Personal: looked up when it is needed, kept nowhere. */
export interface ProviderContact {
  readonly email: string;
  readonly name?: string;
  readonly locale?: string;
}

/**
 * Looks up a customer's address; undefined where the customer was deleted or has none.
 * @throws Error, whose message may name the customer's id, where the provider does not answer or knows no such customer
 */
export function createProviderContacts(
  stripe: Stripe,
  limiter?: RequestLimiter,
): (stripeCustomerId: string) => Promise<ProviderContact | undefined> {
  return async (stripeCustomerId) => {
    await limiter?.acquire({
      endpoint: 'customers.retrieve',
      priority: 'background',
      ticket: `contact:${stripeCustomerId}`,
      maxWaitMs: MAX_WAIT_MS,
    });
    const customer = await stripe.customers.retrieve(stripeCustomerId);
    // The SDK takes every JSON without an `error` for a success, whatever its status.
    if (customer.object !== 'customer') throw new Error('the provider answered with no customer');
    if (customer.deleted === true || typeof customer.email !== 'string' || customer.email === '') return undefined;
    const { email, name } = customer;
    const locale = customer.preferred_locales?.[0];
    return {
      email,
      ...(typeof name === 'string' && { name }),
      ...(locale !== undefined && { locale }),
    };
  };
}
