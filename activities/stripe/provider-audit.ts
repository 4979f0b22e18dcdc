import type Stripe from 'stripe';
import { metadataKeys } from './metadata';

/** What the provider says of one payment of ours, read without any of the code that made it. */
export interface ProviderPayment {
  readonly paymentIntentId: string;
  readonly orderId: string;
  /** The provider's own word, e.g. `requires_capture`. */
  readonly status: string;
  readonly currency: string;
  /** Minor units asked for. */
  readonly amount: number;
  /** Minor units held and not taken. */
  readonly amountCapturable: number;
  /** Minor units taken. */
  readonly amountReceived: number;
}

const PAGE_SIZE = 100;

/**
 * Every PaymentIntent that carries an order id of ours, for invariants and reconciliation; of these orders only where
 * `orderIds` is given. Lists are consistent where search lags behind writes, so this one lists and sorts out by itself.
 * Throws the SDK's errors.
 */
export async function readProviderTruth(stripe: Stripe, orderIds?: readonly string[]): Promise<ProviderPayment[]> {
  const wanted = orderIds === undefined ? undefined : new Set(orderIds);
  const payments: ProviderPayment[] = [];
  for await (const intent of stripe.paymentIntents.list({ limit: PAGE_SIZE })) {
    const orderId = intent.metadata[metadataKeys.order];
    if (orderId === undefined || (wanted !== undefined && !wanted.has(orderId))) continue;
    payments.push({
      paymentIntentId: intent.id,
      orderId,
      status: intent.status,
      currency: intent.currency,
      amount: intent.amount,
      amountCapturable: intent.amount_capturable,
      amountReceived: intent.amount_received,
    });
  }
  return payments;
}

/** What the provider says of the refunds of one payment of ours. Minor units. */
export interface ProviderGivenBack {
  readonly paymentIntentId: string;
  /** Back with the customer, as far as the provider knows. */
  readonly refunded: number;
  /** Under way: pending, or waiting for the customer. */
  readonly pending: number;
}

/** What was given back of these payments, by anybody, read without any of the code that refunds. Throws the SDK's errors. */
export async function readProviderRefunds(
  stripe: Stripe,
  paymentIntentIds: readonly string[],
): Promise<ProviderGivenBack[]> {
  const found: ProviderGivenBack[] = [];
  for (const paymentIntentId of paymentIntentIds) {
    let refunded = 0;
    let pending = 0;
    for await (const refund of stripe.refunds.list({ payment_intent: paymentIntentId, limit: PAGE_SIZE })) {
      if (refund.status === 'succeeded') refunded += refund.amount;
      else if (refund.status !== 'failed' && refund.status !== 'canceled') pending += refund.amount;
    }
    found.push({ paymentIntentId, refunded, pending });
  }
  return found;
}
