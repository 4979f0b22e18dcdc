import { createHash } from 'node:crypto';
import type Stripe from 'stripe';
import { operationKeys } from '../../workflows/domain/operation-keys';
import type { AuthorizePaymentInput } from '../../workflows/ports';
import type { PaymentCache } from '../cache';
import { isKeyReused, unsettled } from './errors';
import { metadataKeys } from './metadata';
import { idOf } from './payment-status';
import type { ProviderSession } from './provider';

type Buyer = Pick<AuthorizePaymentInput, 'customer' | 'paymentMethod' | 'offSession'>;

/** Customers with one address are few: more of them than this are not ours to tell apart. */
const SAME_EMAIL_LIMIT = 100;

/**
 * The provider's customer to charge. Asked in this order, so that losing the cache costs requests and nothing else:
 * - off session, whoever owns the saved payment method: no other customer can be charged with it;
 * - the cache;
 * - the provider's list by e-mail address, told apart by our id in the metadata;
 * - a new one, under an idempotency key: two checkouts at the same moment get the same customer.
 */
export async function stripeCustomer(
  stripe: Stripe,
  cache: PaymentCache,
  session: ProviderSession,
  buyer: Buyer,
): Promise<string> {
  if (buyer.offSession) {
    const owner = await methodOwner(stripe, cache, session, buyer.paymentMethod);
    if (owner !== undefined) return owner;
  }
  const { customer } = buyer;
  const cached = await cache.customer(customer.id);
  if (cached !== undefined) return cached;
  const found = await listedCustomer(stripe, session, customer);
  const id = found ?? (await createCustomer(stripe, session, customer));
  await cache.keepCustomer(customer.id, id);
  return id;
}

async function methodOwner(
  stripe: Stripe,
  cache: PaymentCache,
  session: ProviderSession,
  paymentMethodId: string,
): Promise<string | undefined> {
  const cached = await cache.paymentMethod(paymentMethodId);
  if (cached?.stripeCustomerId !== undefined) return cached.stripeCustomerId;
  const method = await session.read('payment_methods.retrieve', () => stripe.paymentMethods.retrieve(paymentMethodId));
  if (method.object !== 'payment_method') throw unsettled(session.call, 'the provider answered with no payment method');
  const owner = idOf(method.customer);
  if (owner !== undefined) await cache.keepPaymentMethod(paymentMethodId, { stripeCustomerId: owner });
  return owner;
}

async function listedCustomer(
  stripe: Stripe,
  session: ProviderSession,
  customer: Buyer['customer'],
): Promise<string | undefined> {
  const { email } = customer;
  if (email === undefined) return undefined;
  const page = await session.read('customers.list', () => stripe.customers.list({ email, limit: SAME_EMAIL_LIMIT }));
  if (page.object !== 'list' || !Array.isArray(page.data))
    throw unsettled(session.call, 'the provider answered with no list');
  // The oldest: whatever made a second one, all of us agree on the first.
  return page.data.filter((one) => one.metadata[metadataKeys.customer] === customer.id).at(-1)?.id;
}

async function createCustomer(stripe: Stripe, session: ProviderSession, customer: Buyer['customer']): Promise<string> {
  const { id, email, name } = customer;
  const details = { ...(email === undefined ? {} : { email }), ...(name === undefined ? {} : { name }) };
  const params = { ...details, metadata: { [metadataKeys.customer]: id } };
  const create = (idempotencyKey: string) =>
    session.write('customers.create', () => stripe.customers.create(params, { idempotencyKey }));
  const key = operationKeys.customer(id);
  let answer;
  try {
    answer = await create(key);
  } catch (error) {
    if (!isKeyReused(error)) throw error;
    // Within a day of the first checkout the address or the name has changed: that is another customer at the provider.
    answer = await create(`${key}:${createHash('sha256').update(JSON.stringify(details)).digest('hex').slice(0, 16)}`);
  }
  if (answer.object !== 'customer' || typeof answer.id !== 'string') {
    throw unsettled(session.call, 'what answered is not the provider: the body is no customer');
  }
  return answer.id;
}
