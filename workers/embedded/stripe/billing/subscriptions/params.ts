import type { Account } from '../../state/account';
import { invalidParameter, noSuch } from '../../http/errors';
import type { StoredPaymentMethod } from '../../state/model';
import { sellablePrice } from '../catalogue';
import type { SubscriptionItem } from '../model';
import { MAX_ITEMS } from '../shapes';
import type { ItemRequest } from './object';

/** The items of a new subscription, checked. */
export function itemRequests(
  account: Account,
  items: readonly { price: string; quantity?: number; metadata?: Record<string, string> | null }[],
  currency?: string,
): ItemRequest[] {
  if (items.length === 0) throw invalidParameter('Missing required param: items.', 'items', 'parameter_missing');
  const requests = items.map(({ price, quantity = 1, metadata }, index) => ({
    price: sellablePrice(account, price, `items[${index}][price]`),
    quantity,
    metadata,
  }));
  assertTogether(requests, currency);
  return requests;
}

/** Checks that the items are few, have different prices, and share currency and interval. */
export function assertTogether(
  items: readonly (ItemRequest | SubscriptionItem)[],
  currency = items[0]?.price.currency,
): void {
  if (items.length > MAX_ITEMS) throw invalidParameter(`A subscription can have at most ${MAX_ITEMS} items.`, 'items');
  const [first] = items;
  const ids = new Set(items.map(({ price }) => price.id));
  if (ids.size < items.length)
    throw invalidParameter('Cannot add multiple subscription items with the same price.', 'items');
  for (const { price } of items) {
    if (price.currency !== currency) {
      const message = `The price specified only supports \`${price.currency}\`. This doesn't match the expected currency: \`${currency}\`.`;
      throw invalidParameter(message, 'items');
    }
    const { interval, interval_count: count } = price.recurring;
    if (interval === first?.price.recurring.interval && count === first.price.recurring.interval_count) continue;
    // Stripe accepts mixed intervals in one of its billing modes; we do not need them.
    throw invalidParameter('Items of a subscription must have the same recurring interval.', 'items');
  }
}

/** A payment method that is attached to the customer, as subscriptions and invoices require. */
export function ownedMethod(
  account: Account,
  id: string,
  customerId: string,
  param = 'default_payment_method',
): StoredPaymentMethod {
  const method = account.paymentMethods.get(id);
  if (method === undefined) throw noSuch('PaymentMethod', id, param, 400);
  if (method.object.customer === customerId && !method.consumed) return method;
  const message = `The customer does not have a payment method with the ID ${id}. The payment method must be attached to the customer.`;
  throw invalidParameter(message, param, 'resource_missing');
}
