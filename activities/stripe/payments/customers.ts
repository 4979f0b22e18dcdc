import { createHash } from 'node:crypto';
import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import type { AuthorizePaymentInput } from '../../../workflows/payment/ports';
import { providerEmail } from '../provider-text';
import type { PaymentContext } from '../context';
import { isUnknownOutcome, noneIfMissing, retryLater } from '../errors';
import { sendKeyed } from '../keyed';
import { metadataKeys } from '../metadata';
import { idOf } from './payment-status';
import type { ProviderSession } from '../provider';

type Buyer = Pick<AuthorizePaymentInput, 'customer' | 'paymentMethod' | 'offSession'>;

/** Few customers share an address; beyond this number only the newest are searched. */
const SAME_EMAIL_LIMIT = 100;

/** The idempotency key belongs to a customer that has been deleted since. */
class DeletedSince extends Error {}

/**
 * The provider's customer to charge, looked up in this order, so that losing the cache only costs requests:
 * - off session: the customer that owns the saved payment method, because no other can be charged with it;
 * - the cache;
 * - the provider's list by e-mail address, filtered by our id in the metadata;
 * - a new customer, under an idempotency key: two checkouts at the same moment get the same one.
 */
export async function stripeCustomer(context: PaymentContext, session: ProviderSession, buyer: Buyer): Promise<string> {
  const { cache } = context;
  if (buyer.offSession) {
    const owner = await methodOwner(context, session, buyer.paymentMethod);
    if (owner !== undefined) return owner;
  }
  const { customer } = buyer;
  const cached = await cache.customer(customer.id);
  if (cached !== undefined) return cached;
  const found = await listedCustomer(context, session, customer);
  const id = found ?? (await createCustomer(context, session, customer));
  await cache.keepCustomer(customer.id, id);
  return id;
}

/** For a buyer whose cached references are wrong: the customer was deleted, or the method has another owner. */
export async function forgetBuyer({ cache }: PaymentContext, buyer: Buyer): Promise<void> {
  await Promise.all([cache.forgetCustomer(buyer.customer.id), cache.forgetPaymentMethod(buyer.paymentMethod)]);
}

async function methodOwner(
  context: PaymentContext,
  session: ProviderSession,
  paymentMethodId: string,
): Promise<string | undefined> {
  const cached = await context.cache.paymentMethod(paymentMethodId);
  if (cached?.stripeCustomerId !== undefined) return cached.stripeCustomerId;
  const owner = (await ownerOf(context, session, paymentMethodId))?.customer;
  if (owner !== undefined) await context.cache.keepPaymentMethod(paymentMethodId, { stripeCustomerId: owner });
  return owner;
}

/** The customer that a payment method belongs to, fetched fresh; undefined if the provider does not know the method. */
export async function ownerOf(
  { stripe }: PaymentContext,
  session: ProviderSession,
  paymentMethodId: string,
): Promise<{ readonly customer: string | undefined } | undefined> {
  const method = await session.read('payment_methods.retrieve', () =>
    stripe.paymentMethods.retrieve(paymentMethodId).catch(noneIfMissing),
  );
  if (method === undefined) return undefined;
  if (method.object !== 'payment_method')
    throw retryLater(session.call, 'the provider’s answer is not a payment method');
  return { customer: idOf(method.customer) };
}

async function listedCustomer(
  { stripe }: PaymentContext,
  session: ProviderSession,
  customer: Buyer['customer'],
): Promise<string | undefined> {
  const email = providerEmail(customer.email);
  if (email === undefined) return undefined;
  const page = await session.read('customers.list', () => stripe.customers.list({ email, limit: SAME_EMAIL_LIMIT }));
  if (page.object !== 'list' || !Array.isArray(page.data))
    throw retryLater(session.call, 'the provider’s answer is not a list');
  // The oldest, so that all processes use the same one, even if a second was made.
  return page.data.filter((one) => one.metadata[metadataKeys.customer] === customer.id).at(-1)?.id;
}

function createCustomer(
  context: PaymentContext,
  session: ProviderSession,
  customer: Buyer['customer'],
): Promise<string> {
  const { stripe } = context;
  const { id, name } = customer;
  const email = providerEmail(customer.email);
  const details = { ...(email === undefined ? {} : { email }), ...(name === undefined ? {} : { name }) };
  const params = { ...details, metadata: { [metadataKeys.customer]: id } };
  // Another address or name makes another request, which the provider refuses under the same key.
  const contents = createHash('sha256').update(JSON.stringify(details)).digest('hex').slice(0, 16);
  return sendKeyed(context, session, {
    operationKey: `${operationKeys.customer(id)}:${contents}`,
    async send(idempotencyKey) {
      const answer = await session.write('customers.create', () => stripe.customers.create(params, { idempotencyKey }));
      if (answer.object !== 'customer' || typeof answer.id !== 'string') {
        throw retryLater(session.call, 'the answer is not the provider’s: the body is not a customer');
      }
      const isReplayed = answer.lastResponse?.headers['idempotent-replayed'] === 'true';
      if (isReplayed && (await isDeleted(context, session, answer.id))) throw new DeletedSince();
      return answer.id;
    },
    isInDoubt: (error) => error instanceof DeletedSince || isUnknownOutcome(error),
    lookUp: () => listedCustomer(context, session, customer),
  });
}

async function isDeleted({ stripe }: PaymentContext, session: ProviderSession, id: string): Promise<boolean> {
  const customer = await session.read('customers.retrieve', () => stripe.customers.retrieve(id).catch(noneIfMissing));
  return customer === undefined || customer.deleted === true;
}
