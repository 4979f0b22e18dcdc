import { createHash } from 'node:crypto';
import type { CheckoutCart } from '../workflows/messages';

/** Hexadecimal SHA-256 of a text. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * A hash of any JSON value that does not depend on the order of an object's keys, so that a client which rebuilds its
 * body for a retry sends the same thing.
 */
export function fingerprint(value: unknown): string {
  return sha256(JSON.stringify(sorted(value)) ?? 'undefined');
}

/**
 * What makes two carts under one id the same purchase: currency, goods, amounts and when they are captured. Address and
 * customer are left out: correcting a typing error in them is no other purchase.
 */
export function cartFingerprint(
  cart: Pick<CheckoutCart, 'currency' | 'lines' | 'shippingAmount' | 'taxAmount' | 'captureOn'>,
): string {
  const lines = cart.lines
    .map(({ sku, quantity, unitAmount }) => ({ sku, quantity, unitAmount }))
    .sort((left, right) => (left.sku < right.sku ? -1 : 1));
  const { currency, shippingAmount, taxAmount, captureOn } = cart;
  return fingerprint({ currency, lines, shippingAmount, taxAmount, captureOn });
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
