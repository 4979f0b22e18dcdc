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
import type { DoomedCheckout } from '../stage';

export interface DoomedOptions {
  readonly client: Client;
  readonly config: FilledConfig;
  readonly policy: Partial<OrderPolicy>;
  readonly bank: Bank;
  readonly signal: AbortSignal;
}

/** A worker starts within seconds; on a busy machine it takes more of them. */
const WORKER_LIMIT_MS = 60_000;
/** The killed worker's activity times out after 30 s and is then given to the next worker. */
const CHECKOUT_LIMIT_MS = 90_000;

/**
 * One checkout, two workers of one task queue, each a process of its own. The bank's answer to the first one is kept back:
 * the hold stands, and nobody but the bank knows. Then the process is killed (SIGKILL: no last words), and the next one
 * has to find out.
 */
export async function doomedCheckout(options: DoomedOptions, cart: CheckoutRequest): Promise<DoomedCheckout> {
  const { client, policy, bank } = options;
  const taskQueue = `${options.config.temporal.taskQueue}-${cart.cartId}`;
  const holdfast = createHoldfastClient({ client, taskQueue, policy, waitMs: CHECKOUT_LIMIT_MS });
  // No worker serves the queue yet, so there is time to learn the order's id, by which the bank's answer is known.
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

async function killOnceHeld(options: DoomedOptions, taskQueue: string, fault: string): Promise<void> {
  const doomed = await startWorker(options, taskQueue);
  try {
    await until(options, 'the bank to hold the money', WORKER_LIMIT_MS, () => {
      expect(doomed.exited() === undefined, `the worker ended by itself: ${doomed.recentOutput()}`);
      return options.bank.isHolding(fault);
    });
  } finally {
    await doomed.stop();
  }
  expect(doomed.exited()?.includes('SIGKILL') === true, `the worker was not killed: ${doomed.exited()}`);
}

async function orderIdOf(client: Client, cartId: string): Promise<string | undefined> {
  const handle = client.workflow.getHandle(workflowIds.checkout(cartId));
  const described = await handle.describe().catch(() => undefined);
  return described?.typedSearchAttributes.get(searchAttributes.orderId);
}

function startWorker({ config }: DoomedOptions, taskQueue: string): Promise<ManagedProcess> {
  const { temporal, databaseUrl, redisUrl, stripe, encryptionKeys } = config;
  const { address } = temporal.connection;
  return startProcess({
    name: 'The worker to be killed',
    command: process.execPath,
    args: [join(__dirname, 'worker.js')],
    // Neither of them is let down gently: the first one must not be, and the second one has nothing left to do.
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
