import { createHash } from 'node:crypto';
import type { CheckoutCart } from '../../workflows/checkout/messages';

/** Hexadecimal SHA-256 of a text. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * A hash of any JSON value that does not depend on the order of an object's keys, so a client that rebuilds its body
 * for a retry sends an equal one.
 */
export function fingerprint(value: unknown): string {
  return sha256(JSON.stringify(sorted(value)) ?? 'undefined');
}

/**
 * What makes two carts under one id the same purchase: goods, amounts, when they are captured, who buys and where it goes.
 * The payment method does not count. The order of lines, the case of currency and country, and whether a field is absent
 * or undefined make no difference.
 */
export function cartFingerprint(cart: CheckoutCart): string {
  const lines = cart.lines
    .map(({ sku, quantity, unitAmount }) => ({ sku, quantity, unitAmount }))
    .sort((left, right) => (left.sku < right.sku ? -1 : 1));
  const { customer, shippingAddress: address, shippingAmount, taxAmount, captureOn } = cart;
  const currency = cart.currency.toLowerCase();
  const shippingAddress = address && { ...address, country: address.country.toUpperCase() };
  return fingerprint({ currency, lines, shippingAmount, taxAmount, captureOn, customer, shippingAddress });
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
