import type Stripe from 'stripe';
import { metadataKeys } from './metadata';

/** One payment of ours as the provider has it, read without the code that made it. */
export interface ProviderPayment {
  readonly paymentIntentId: string;
  readonly orderId: string;
  /** The provider's own word, e.g. `requires_capture`. */
  readonly status: string;
  readonly currency: string;
  /** Minor units requested. */
  readonly amount: number;
  /** Minor units held and not captured. */
  readonly amountCapturable: number;
  /** Minor units captured. */
  readonly amountReceived: number;
}

const PAGE_SIZE = 100;

/**
 * Every PaymentIntent that carries an order id of ours, for invariants and reconciliation; limited to `orderIds` if they are
 * given. It lists all payments and filters them here, because the provider's search lags behind writes and its lists do not.
 * @throws the SDK's errors
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

/** The refunds of one payment of ours as the provider has them. Minor units. */
export interface ProviderGivenBack {
  readonly paymentIntentId: string;
  /** Succeeded, as far as the provider knows. */
  readonly refunded: number;
  /** Pending, or waiting for the customer. */
  readonly pending: number;
}

/** The refunds of these payments, whoever made them, read without the code that refunds. @throws the SDK's errors */
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
