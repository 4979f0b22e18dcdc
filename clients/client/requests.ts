import { randomUUID } from 'node:crypto';
import type { WorkflowStartOptions } from '@temporalio/client';
import { formatMoney } from '../../workflows/domain/shared/money';
import type { OrderPolicy } from '../../workflows/domain/shared/policy';
import { cartTotal } from '../../workflows/domain/order/shipment-amount';
import {
  workflowIds,
  type Address,
  type CheckoutCart,
  type CheckoutInput,
  type OrderInput,
  type SubmitCheckout,
} from '../../workflows/messages';
import { cartFingerprint } from './fingerprint';
import type { ParsedCheckout } from '../schemas/orders';
import { searchAttributes } from '../../workflows/kit/search-attributes';

/** What a workflow is started with. */
export type StartOptions = WorkflowStartOptions & { readonly workflowIdConflictPolicy: 'USE_EXISTING' };

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

/** What a parsed checkout asks of the workflow. */
export function submissionOf(parsed: ParsedCheckout, policy: OrderPolicy): SubmitCheckout {
  const cart = toCart(parsed, policy);
  return { paymentMethod: parsed.paymentMethod, cart, cartFingerprint: cartFingerprint(cart) };
}

/** A copy without the properties that are undefined, at every depth: to JSON, absent and undefined are the same. */
export function withoutUndefined(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
}

/**
 * A cart's checkout: the one that runs, or a new one. A new one after a closed one is meant: it finds the cart's order
 * and answers with it, or lets a cart that was given up try again. Summary and attributes carry no personal data.
 */
export function checkoutStart(submission: SubmitCheckout, taskQueue: string): StartOptions {
  const { cart } = submission;
  const orderId = newOrderId();
  const input: CheckoutInput = { orderId, ...submission };
  const total = formatMoney({ amount: cartTotal(cart), currency: cart.currency });
  return {
    workflowId: workflowIds.checkout(cart.cartId),
    taskQueue,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `Checkout of ${total}`,
    staticDetails: `Cart ${cart.cartId}: ${cart.lines.length} line(s), ${total}, captured per ${cart.captureOn}`,
    typedSearchAttributes: [
      { key: searchAttributes.orderId, value: orderId },
      { key: searchAttributes.channel, value: cart.channel },
      { key: searchAttributes.waitingOn, value: 'provider' },
    ],
  };
}

/** The id of an order that may come of a checkout; random, so that nobody can guess another customer's. */
function newOrderId(): string {
  return `ord_${randomUUID().replaceAll('-', '')}`;
}

/**
 * An order's own workflow, started anew where it had ended: race-free, and it needs no lookup.
 * @param channel where the caller knows it; the workflow shows it itself once it has read the order
 */
export function orderStart(orderId: string, taskQueue: string, channel?: string): StartOptions {
  const input: OrderInput = { orderId };
  return {
    workflowId: workflowIds.order(orderId),
    taskQueue,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `Order ${orderId}`,
    staticDetails: `Order ${orderId}, from placed to delivered or cancelled`,
    typedSearchAttributes: [
      { key: searchAttributes.orderId, value: orderId },
      ...(channel === undefined ? [] : [{ key: searchAttributes.channel, value: channel }]),
    ],
  };
}
