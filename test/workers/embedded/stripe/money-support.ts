import type Stripe from 'stripe';
import type { StripeSimulator } from '../../../../workers/embedded/stripe/server';
import { HOLD } from './support';

/** A payment that is captured at once. */
export const PAID = { ...HOLD, capture_method: 'automatic' } as const satisfies Stripe.PaymentIntentCreateParams;

/** A captured payment of 5000 usd, unless `params` say otherwise. */
export async function pay(
  stripe: Stripe,
  params: Partial<Stripe.PaymentIntentCreateParams> = {},
): Promise<{ intent: Stripe.PaymentIntent; charge: string }> {
  const intent = await stripe.paymentIntents.create({ ...PAID, ...params });
  return { intent, charge: String(intent.latest_charge) };
}

/** The types of the events from now on, as of each call. */
export function eventsSince(simulator: StripeSimulator): () => string[] {
  const before = simulator.state.events().length;
  return () =>
    simulator.state
      .events()
      .slice(before)
      .map(({ type }) => type);
}

/** The states of a table that nothing leads out of; throws where one of the others never comes to such an end. */
export function deadEnds(table: Readonly<Record<string, readonly string[]>>): string[] {
  const ends = Object.keys(table).filter((state) => table[state]?.length === 0);
  for (const from of Object.keys(table)) {
    const reached = new Set([from]);
    for (const state of reached) for (const next of table[state] ?? []) reached.add(next);
    if (!ends.some((end) => reached.has(end))) throw new Error(`${from} never ends`);
  }
  return ends;
}
