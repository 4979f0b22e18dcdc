import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { createHoldfastClient, searchAttributes } from '../../../clients/client';
import type { CheckoutRequest, OrderPolicy } from '../../../clients/client';
import { workflowIds } from '../../../workflows/kit/names';
import { startProcess } from '../../embedded/servers/process';
import type { ManagedProcess } from '../../embedded/servers/process';
import type { FilledConfig } from '../../embedded/stack';
import type { Bank } from '../bank';
import { expect, until } from '../stage';
import type { InterruptedCheckout } from '../stage';

export interface InterruptedCheckoutOptions {
  readonly client: Client;
  readonly config: FilledConfig;
  readonly policy: Partial<OrderPolicy>;
  readonly bank: Bank;
  readonly signal: AbortSignal;
}

/** A worker starts within seconds, on a busy machine more slowly. */
const WORKER_LIMIT_MS = 60_000;
/** The killed worker's activity times out after 30 s and is then given to the next worker. */
const CHECKOUT_LIMIT_MS = 90_000;

/**
 * One checkout and two workers of one task queue, each in its own process. The simulator delays the bank's answer to the first
 * worker: the money is held, but only the bank knows. Then that process is killed (SIGKILL, so it cannot clean up), and the
 * second worker must find out.
 */
export async function interruptedCheckout(
  options: InterruptedCheckoutOptions,
  cart: CheckoutRequest,
): Promise<InterruptedCheckout> {
  const { client, policy, bank } = options;
  const taskQueue = `${options.config.temporal.taskQueue}-${cart.cartId}`;
  const holdfast = createHoldfastClient({ client, taskQueue, policy, waitMs: CHECKOUT_LIMIT_MS });
  // No worker serves the queue yet, so there is time to look up the order's id, which identifies the request to the bank.
  const answered = holdfast.checkout(cart);
  answered.catch(() => undefined);
  const orderId = await until(options, 'the checkout to begin', WORKER_LIMIT_MS, () => orderIdOf(client, cart.cartId));
  const fault = await bank.addFault({
    match: { method: 'POST', idempotencyKeyPattern: `^authorize:${orderId}:` },
    action: { kind: 'hold', when: 'after' },
  });
  try {
    await killOnceHeld(options, taskQueue, fault);
  } finally {
    await bank.removeFault(fault);
  }
  const successor = await startWorker(options, taskQueue);
  try {
    const answer = await Promise.race([answered, interrupted(options.signal)]);
    return { orderId, state: answer.state };
  } finally {
    await successor.stop();
  }
}

async function killOnceHeld(options: InterruptedCheckoutOptions, taskQueue: string, fault: string): Promise<void> {
  const victim = await startWorker(options, taskQueue);
  try {
    await until(options, 'the bank to hold the money', WORKER_LIMIT_MS, () => {
      expect(victim.exited() === undefined, `the worker ended by itself: ${victim.recentOutput()}`);
      return options.bank.isHolding(fault);
    });
  } finally {
    await victim.stop();
  }
  expect(victim.exited()?.includes('SIGKILL') === true, `the worker was not killed: ${victim.exited()}`);
}

async function orderIdOf(client: Client, cartId: string): Promise<string | undefined> {
  const handle = client.workflow.getHandle(workflowIds.checkout(cartId));
  const described = await handle.describe().catch(() => undefined);
  return described?.typedSearchAttributes.get(searchAttributes.orderId);
}

function startWorker({ config }: InterruptedCheckoutOptions, taskQueue: string): Promise<ManagedProcess> {
  const { temporal, databaseUrl, redisUrl, stripe, encryptionKeys } = config;
  const { address } = temporal.connection;
  return startProcess({
    name: 'The worker of the crash scene',
    command: process.execPath,
    args: [join(__dirname, 'worker.js')],
    // SIGKILL for both: the first worker must crash, and the second has nothing left to do.
    stopSignal: 'SIGKILL',
    env: {
      ...process.env,
      ...(address === undefined ? {} : { TEMPORAL_ADDRESS: address }),
      TEMPORAL_NAMESPACE: temporal.namespace,
      HOLDFAST_TASK_QUEUE: taskQueue,
      DATABASE_URL: databaseUrl,
      ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }),
      STRIPE_SECRET_KEY: stripe.secretKey,
      STRIPE_WEBHOOK_SECRET: stripe.webhookSecrets.join(),
      ...(stripe.apiUrl === undefined ? {} : { STRIPE_API_URL: stripe.apiUrl }),
      HOLDFAST_ENCRYPTION_KEYS: encryptionKeys.map(({ id, key }) => `${id}:${key.toString('base64')}`).join(),
    },
  });
}

function interrupted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
