import type Stripe from 'stripe';

/** Seconds instead of days: the times of the provider's retries. */
export const DEMO_BILLING = {
  scheduleMs: [9_000, 18_000, 27_000],
  finalizationDelayMs: 0,
  onExhausted: 'cancel',
} as const;

/** A short trial, but long enough for the workflow to see it. */
const TRIAL_S = 6;
const PRICE = 1_900;

/** A customer with a subscription at the provider. */
export interface Subscriber {
  readonly customerId: string;
  readonly subscriptionId: string;
  readonly email: string;
}

/** Subscribes a customer at the provider, with a trial that ends in seconds; webhooks inform Holdfast. */
export async function subscribe(stripe: Stripe, email: string): Promise<Subscriber> {
  const customer = await stripe.customers.create({ email });
  const method = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
  await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: method.id } });
  const product = await stripe.products.create({ name: 'Tea club' });
  const price = await stripe.prices.create({
    product: product.id,
    currency: 'eur',
    unit_amount: PRICE,
    recurring: { interval: 'month' },
  });
  const subscription = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: price.id }],
    trial_end: Math.ceil(Date.now() / 1000) + TRIAL_S,
  });
  return { customerId: customer.id, subscriptionId: subscription.id, email };
}
