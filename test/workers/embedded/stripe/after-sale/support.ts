import type Stripe from 'stripe';
import type { StripeSimulator } from '../../../../../workers/embedded/stripe/server';
import { HOLD, start } from '../support';

/** A payment that is captured at once. */
export const PAID = { ...HOLD, capture_method: 'automatic' } as const satisfies Stripe.PaymentIntentCreateParams;

interface Started {
  readonly simulator: StripeSimulator;
  readonly stripe: Stripe;
}
interface Paid {
  readonly intent: Stripe.PaymentIntent;
  readonly charge: string;
}

/** A captured payment of 5000 usd, unless `params` say otherwise. */
export async function pay(stripe: Stripe, params: Partial<Stripe.PaymentIntentCreateParams> = {}): Promise<Paid> {
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

/** A payment whose card raises a dispute, or an inquiry, a second after it. */
export async function disputed(
  card = 'pm_card_createDispute',
): Promise<Started & Paid & { dispute: Stripe.Dispute; events: () => string[] }> {
  const started = await start();
  const paid = await pay(started.stripe, { payment_method: card });
  const events = eventsSince(started.simulator);
  started.simulator.clock.advanceBy(1_000);
  const [dispute] = (await started.stripe.disputes.list({ payment_intent: paid.intent.id })).data;
  if (dispute === undefined) throw new Error('no dispute was opened');
  return { ...started, ...paid, dispute, events };
}

/** Amount, fee and net of what a dispute moved. */
export const balanceOf = ({ balance_transactions: moved }: Stripe.Dispute): number[][] =>
  moved.map(({ amount, fee, net }) => [amount, fee, net]);

/** The charge that a refund is of, as it is now. */
export const chargeOfRefund = (simulator: StripeSimulator, refund: Stripe.Refund) =>
  simulator.state.charges().find(({ id }) => id === refund.charge);
