import { ApplicationFailure } from '@temporalio/common';
import Redis from 'ioredis';
import type Stripe from 'stripe';
import { createPaymentCache } from '../../../activities/cache';
import {
  createDuplicateCanceller,
  createPaymentActivities,
  createStripeClient,
  paymentContext,
} from '../../../activities/stripe';
import type { AuthorizePaymentInput, PaymentActivities, PaymentStatus } from '../../../workflows/payment/ports';
import {
  startStripeSimulator,
  type StripeSimulator,
  type StripeSimulatorOptions,
} from '../../../workers/embedded/stripe/server';
import { testEnvironment, uniqueName } from '../../support/environment';
import { MemoryStore } from './memory-store';

/** The real SDK, a simulator of its own, a real Redis, and the store's contract in memory. */
export interface Harness {
  readonly simulator: StripeSimulator;
  readonly stripe: Stripe;
  readonly redis: Redis;
  readonly store: MemoryStore;
  readonly payments: PaymentActivities;
  readonly cancelDuplicate: ReturnType<typeof createDuplicateCanceller>;
  /** Forgets what is cached of this test's customers and methods. */
  flushCache(): Promise<void>;
  stop(): Promise<void>;
}

export async function startHarness(options: StripeSimulatorOptions = {}): Promise<Harness> {
  const simulator = await startStripeSimulator(options);
  const stripe = createStripeClient({ secretKey: simulator.secretKey, apiUrl: simulator.url });
  const redis = new Redis(testEnvironment().redisUrl, { keyPrefix: `${uniqueName('payments')}:` });
  const now = () => simulator.clock.now();
  const store = new MemoryStore(now);
  const context = paymentContext({ stripe, store, cache: createPaymentCache(redis, { scope: 'test' }), now });
  const payments = createPaymentActivities(context);
  return {
    simulator,
    stripe,
    redis,
    store,
    payments,
    cancelDuplicate: createDuplicateCanceller(context),
    flushCache: async () => {
      const prefix = redis.options.keyPrefix ?? '';
      const keys = await redis.keys(`${prefix}*`);
      if (keys.length > 0) await redis.del(keys.map((key) => key.slice(prefix.length)));
    },
    stop: async () => {
      redis.disconnect();
      await simulator.stop();
    },
  };
}

let orders = 0;

/** One attempt of an order of its own, with what a test wants otherwise. */
export function attempt(changes: Partial<AuthorizePaymentInput> = {}): AuthorizePaymentInput {
  orders += 1;
  return {
    orderId: `ord_${orders}`,
    cartId: `cart_${orders}`,
    attempt: 1,
    purpose: 'checkout',
    amount: { amount: 5_000, currency: 'eur' },
    customer: { id: `cust_${orders}`, email: `buyer${orders}@example.com`, name: 'A Buyer' },
    paymentMethod: 'pm_card_visa',
    offSession: false,
    ...changes,
  };
}

/** The failure that a call ends in; throws where it ends well. */
export async function failureOf(call: Promise<unknown>): Promise<ApplicationFailure> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ApplicationFailure) return error;
    throw error;
  }
  throw new Error('The call was expected to fail, and did not');
}

/** As Temporal does: tries again while the failure may be retried, at most so often. No waiting: nothing here needs time. */
export async function retried<T>(call: () => Promise<T>, tries = 5): Promise<T> {
  for (let count = 1; ; count += 1) {
    try {
      return await call();
    } catch (error) {
      if (count >= tries || (error instanceof ApplicationFailure && error.nonRetryable === true)) throw error;
    }
  }
}

/** The hold of an answer; throws where there is none. */
export function authorized(result: { readonly status: string }): Extract<PaymentStatus, { status: 'authorized' }> {
  if (result.status !== 'authorized') throw new Error(`Expected a hold, got ${JSON.stringify(result)}`);
  return result as Extract<PaymentStatus, { status: 'authorized' }>;
}

/** Everything the provider holds open for an order, in minor units. */
export function heldFor(simulator: StripeSimulator, orderId: string): number {
  return simulator.state
    .paymentIntents()
    .filter((intent) => intent.metadata['holdfast_order_id'] === orderId)
    .reduce((sum, intent) => sum + intent.amount_capturable, 0);
}
