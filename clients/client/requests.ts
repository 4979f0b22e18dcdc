import { randomUUID } from 'node:crypto';
import { cartFingerprint } from './fingerprint';
import type { ParsedCheckout } from '../schemas/orders';
import type { Address, CheckoutCart, SubmitCheckout } from '../../workflows/checkout/messages';
import type { OrderPolicy } from '../../workflows/domain/shared/policy';

/** The cart of a parsed checkout, under a shop's policy. */
export function toCart(parsed: ParsedCheckout, policy: OrderPolicy): CheckoutCart {
  const { paymentMethod: _, customer, shippingAddress, ...rest } = parsed;
  return {
    ...rest,
    customer: { id: customer.id, email: customer.email, ...(customer.name !== undefined && { name: customer.name }) },
    ...(shippingAddress !== undefined && { shippingAddress: withoutUndefined(shippingAddress) as Address }),
    policy,
  };
}

/** The request to the workflow of a parsed checkout. */
export function submissionOf(parsed: ParsedCheckout, policy: OrderPolicy): SubmitCheckout {
  const cart = toCart(parsed, policy);
  return { paymentMethod: parsed.paymentMethod, cart, cartFingerprint: cartFingerprint(cart) };
}

/** A copy without the properties that are undefined, at every depth: JSON does not distinguish absent and undefined. */
export function withoutUndefined(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
}

/** The id of a checkout's order; random, so that customers cannot guess each other's. */
export function newOrderId(): string {
  return `ord_${randomUUID().replaceAll('-', '')}`;
}
