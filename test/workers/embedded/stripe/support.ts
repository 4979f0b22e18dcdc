import Stripe from 'stripe';
import {
  startStripeSimulator,
  type StripeSimulator,
  type StripeSimulatorOptions,
} from '../../../../workers/embedded/stripe/server';

const running: { simulator: StripeSimulator; stripe: Stripe }[] = [];

/** The real SDK, without its own retries, pointed at the simulator. */
export function clientFor(simulator: { port: number; secretKey: string }): Stripe {
  return new Stripe(simulator.secretKey, {
    host: '127.0.0.1',
    port: simulator.port,
    protocol: 'http',
    maxNetworkRetries: 0,
  });
}

/** A simulator and a client for one test; `stopAll` ends them. The seed is fixed so that a failure repeats. */
export async function start(
  options: StripeSimulatorOptions = {},
): Promise<{ simulator: StripeSimulator; stripe: Stripe }> {
  const simulator = await startStripeSimulator({ seed: 7, ...options });
  const pair = { simulator, stripe: clientFor(simulator) };
  running.push(pair);
  return pair;
}

export async function stopAll(): Promise<void> {
  await Promise.all(running.splice(0).map(({ simulator }) => simulator.stop()));
}

/** A confirmed manual-capture PaymentIntent, on automatic payment methods that never redirect. */
export const HOLD = {
  amount: 5000,
  currency: 'usd',
  capture_method: 'manual',
  confirm: true,
  payment_method: 'pm_card_visa',
  automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
} as const satisfies Stripe.PaymentIntentCreateParams;

/** The Stripe error that `promise` must end in. */
export async function stripeError(promise: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof Stripe.errors.StripeError) return outcome;
  throw new Error(`Expected a StripeError, got ${JSON.stringify(outcome)}`);
}

/** The only charge expanded on the intent. */
export function chargeOf(intent: Stripe.PaymentIntent): Stripe.Charge {
  if (intent.latest_charge === null || typeof intent.latest_charge === 'string')
    throw new Error('latest_charge is not expanded');
  return intent.latest_charge;
}
