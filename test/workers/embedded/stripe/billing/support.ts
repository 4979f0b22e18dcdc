import type Stripe from 'stripe';
import type { StripeSimulator } from '../../../../../workers/embedded/stripe/server';
import { start } from '../support';
import type { StripeSimulatorOptions } from '../../../../../workers/embedded/stripe/server';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** A shop with one customer, a card that is charged by default, and a price of 19.00 EUR a month. */
export interface Shop {
  readonly simulator: StripeSimulator;
  readonly stripe: Stripe;
  readonly customer: string;
  readonly method: string;
  readonly price: string;
}

export async function openShop(options: StripeSimulatorOptions = {}, card = 'pm_card_visa'): Promise<Shop> {
  const { simulator, stripe } = await start(options);
  const { customer, method } = await addCustomer(stripe, card);
  const product = await stripe.products.create({ name: 'Sample plan' });
  const price = await addPrice(stripe, product.id, 1900);
  return { simulator, stripe, customer, method, price };
}

export async function addCustomer(
  stripe: Stripe,
  card: string,
  params: Stripe.CustomerCreateParams = {},
): Promise<{ customer: string; method: string }> {
  const { id: customer } = await stripe.customers.create({ email: 'subscriber@example.com', ...params });
  const method = await addMethod(stripe, customer, card);
  return { customer, method };
}

/** Attaches a test card and makes it the default. */
export async function addMethod(stripe: Stripe, customer: string, card: string): Promise<string> {
  const { id } = await stripe.paymentMethods.attach(card, { customer });
  await stripe.customers.update(customer, { invoice_settings: { default_payment_method: id } });
  return id;
}

export async function addPrice(
  stripe: Stripe,
  product: string,
  amount: number,
  recurring: Stripe.PriceCreateParams.Recurring = { interval: 'month' },
): Promise<string> {
  const price = await stripe.prices.create({ product, currency: 'eur', unit_amount: amount, recurring });
  return price.id;
}

export async function subscribe(
  { stripe, customer, price }: Shop,
  params: Partial<Stripe.SubscriptionCreateParams> = {},
): Promise<Stripe.Subscription> {
  return stripe.subscriptions.create({ customer, items: [{ price }], ...params });
}

export function periodEnd(subscription: Stripe.Subscription): number {
  return subscription.items.data[0]?.current_period_end ?? 0;
}

/** Moves the simulator's clock to the end of the present period. */
export function toPeriodEnd({ simulator }: Shop, subscription: Stripe.Subscription): void {
  simulator.clock.advanceTo(periodEnd(subscription) * 1000);
}

export async function invoicesOf({ stripe }: Shop, subscription: Stripe.Subscription): Promise<Stripe.Invoice[]> {
  const { data } = await stripe.invoices.list({ subscription: subscription.id, limit: 100 });
  return data.reverse();
}

/** The newest invoice. */
export async function latestInvoice(shop: Shop, subscription: Stripe.Subscription): Promise<Stripe.Invoice> {
  const [invoice] = (await shop.stripe.invoices.list({ subscription: subscription.id, limit: 1 })).data;
  if (invoice === undefined) throw new Error(`${subscription.id} has no invoice`);
  return invoice;
}

/** The types of the events that `act` caused, in order, without those whose type begins with one of `left out`. */
export async function eventsDuring(
  { simulator }: Shop,
  act: () => Promise<unknown> | void,
  without: readonly string[] = [],
): Promise<string[]> {
  const types: string[] = [];
  const stop = simulator.onEvent(({ type }) => void types.push(type));
  try {
    await act();
  } finally {
    stop();
  }
  return types.filter((type) => !without.some((prefix) => type.startsWith(prefix)));
}

/** A subscription to a plan of 30 days and 30.00 EUR, ten days into its period, and a plan of 60.00 EUR. */
export async function tenDaysIn(): Promise<Shop & { subscription: Stripe.Subscription; item: string; bigger: string }> {
  const shop = await openShop();
  const product = (await shop.stripe.products.create({ name: 'Thirty' })).id;
  const recurring = { interval: 'day', interval_count: 30 } as const;
  const price = await addPrice(shop.stripe, product, 3000, recurring);
  const bigger = await addPrice(shop.stripe, product, 6000, recurring);
  const subscription = await subscribe({ ...shop, price });
  const start = subscription.items.data[0]?.current_period_start ?? 0;
  shop.simulator.clock.advanceTo((start + 10 * 86_400) * 1000);
  return { ...shop, price, bigger, subscription, item: subscription.items.data[0]?.id ?? '' };
}

/** The amount of each line, and whether it is a proration. */
export const amounts = ({ lines }: Stripe.Invoice): [number, boolean][] =>
  lines.data.map(({ amount, parent }) => [amount, parent?.subscription_item_details?.proration ?? false]);

/** A test may take a second or two of the period. */
export function expectNear(found: [number, boolean][], wanted: [number, boolean][]): void {
  expect(found.map(([, proration]) => proration)).toEqual(wanted.map(([, proration]) => proration));
  found.forEach(([amount], index) => expect(Math.abs(amount - (wanted[index]?.[0] ?? 0))).toBeLessThanOrEqual(1));
}
