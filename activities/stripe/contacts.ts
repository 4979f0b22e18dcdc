import type Stripe from 'stripe';
import type { RequestLimiter } from './limiter/limiter';

/** Leaves room for the 20 s that a request may take; a notice is not urgent. */
const MAX_WAIT_MS = 8_000;

/** How to reach a customer of the provider. Personal data: looked up when needed, never stored. */
export interface ProviderContact {
  readonly email: string;
  readonly name?: string;
  readonly locale?: string;
}

/**
 * Looks up a customer's address; undefined if the customer was deleted or has none.
 * @throws Error, whose message may contain the customer's id, if the provider does not answer or has no such customer
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
    // The SDK treats any JSON without an `error` as a success, whatever its status.
    if (customer.object !== 'customer') throw new Error('the provider’s answer is not a customer');
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
