import { Client } from '@temporalio/client';
import { DefaultLogger, type LogLevel, Runtime } from '@temporalio/worker';
import type { ActivityInterceptorsFactory, WorkflowBundleOption } from '@temporalio/worker';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import type Stripe from 'stripe';
import { createPaymentCache } from '../../activities/cache';
import {
  createDisputeStore,
  createPaymentStore,
  createRefundStore,
  createSampleCatalogue,
  createSubscriptionStore,
} from '../../activities/storage';
import type { PaymentStore } from '../../activities/storage';
import {
  createDisputeActivities,
  createPaymentActivities,
  createRefundActivities,
  createSubscriptionActivities,
  paymentContext,
} from '../../activities/stripe';
import { createHoldfastClient } from '../../clients/client';
import type { HoldfastClient } from '../../clients/client';
import type { OrderPolicy } from '../../workflows/domain/shared/policy';
import { createDependencies } from '../../workers/dependencies/dependencies';
import type { Dependencies } from '../../workers/dependencies/dependencies';
import { startStripeSimulator } from '../../workers/embedded/stripe/server';
import type { StripeSimulator } from '../../workers/embedded/stripe/server';
import { startRelays } from '../../workers/relays';
import { createOrderWorker } from '../../workers/dependencies/temporal';
import type { Activities } from '../../workers/dependencies/temporal';
import {
  createDatabase,
  getConnection,
  getNativeConnection,
  testEnvironment,
  uniqueName,
  workflowBundle,
} from '../support/environment';
import { followVirtualTime } from '../support/time/follow-time';
import { breakActivities, REFUSING_TABLES, tearable } from './interceptor';
import { Switchboard } from './plan';
import type { WorkerSettings } from './worker-process';

/** A bug that is put in on purpose, to see that the matrix catches it. Everything of it is test code. */
export interface Sabotage {
  readonly activities?: (activities: Activities) => Activities;
  readonly stripe?: (stripe: Stripe) => Stripe;
  readonly store?: (store: PaymentStore) => PaymentStore;
  /** Around the faults: sees what the workflow is about to be told. */
  readonly interceptor?: ActivityInterceptorsFactory;
  /** Changes this test's own database. */
  readonly sql?: string;
  readonly workflowBundle?: WorkflowBundleOption;
}

/** A whole Holdfast whose activities break as planned. */
export interface FaultWorld {
  readonly board: Switchboard;
  readonly client: Client;
  readonly holdfast: HoldfastClient;
  readonly simulator: StripeSimulator;
  readonly dependencies: Dependencies;
  /** What a worker in another process needs. */
  readonly workerSettings: WorkerSettings;
  close(): Promise<void>;
}

export interface FaultWorldOptions {
  readonly sabotage?: Sabotage;
  readonly policy?: Partial<OrderPolicy>;
  /** Workers are processes of their own, started by the test. */
  readonly withoutWorker?: boolean;
}

/** Every case has a few requests of its own under way at once. */
const DATABASE_CONNECTIONS = 12;

export async function createFaultWorld(options: FaultWorldOptions = {}): Promise<FaultWorld> {
  const { sabotage = {} } = options;
  const log = pino({ level: process.env['HOLDFAST_TEST_LOG'] ?? 'silent' });
  const environment = testEnvironment();
  const taskQueue = uniqueName('faults');
  const [database, simulator] = await Promise.all([createDatabase(), startStripeSimulator()]);
  const key = randomBytes(32);
  const workerSettings: WorkerSettings = {
    temporalAddress: environment.temporalAddress,
    namespace: environment.temporalNamespace,
    taskQueue,
    databaseUrl: database.url,
    redisUrl: environment.redisUrl,
    stripeUrl: simulator.url,
    stripeKey: simulator.secretKey,
    encryptionKey: key.toString('base64'),
    workflowBundlePath: workflowBundle().codePath,
  };
  const redis = new Redis(environment.redisUrl, { keyPrefix: `${taskQueue}:` });
  const dependencies = createDependencies({
    databaseUrl: database.url,
    redis,
    stripe: { secretKey: simulator.secretKey, webhookSecrets: [simulator.webhookSecret], apiUrl: simulator.url },
    encryptionKeys: [{ id: 'test', key }],
    paymentLink: (orderId) => `https://shop.test/orders/${orderId}/payment`,
    log,
    maxDatabaseConnections: DATABASE_CONNECTIONS,
  });
  await createSampleCatalogue(dependencies.pool);
  await dependencies.pool.query(REFUSING_TABLES);
  if (sabotage.sql !== undefined) await dependencies.pool.query(sabotage.sql);
  const { dataConverter } = dependencies;
  const client = new Client({ connection: await getConnection(), namespace: workerSettings.namespace, dataConverter });
  const board = new Switchboard();
  const webhooks = await startWebhookEndpoint(dependencies);
  simulator.setWebhookEndpoint(webhooks.url);
  const stopWorker = options.withoutWorker === true ? undefined : await startWorker();
  const relays = startRelays({ dependencies, databaseUrl: database.url, client, taskQueue, sinks: [], log });

  async function startWorker(): Promise<() => Promise<void>> {
    installQuietRuntime();
    const worker = await createOrderWorker({
      connection: await getNativeConnection(),
      namespace: workerSettings.namespace,
      taskQueue,
      activities: breakable(dependencies, sabotage),
      dataConverter,
      workflowBundle: sabotage.workflowBundle ?? workflowBundle(),
      interceptors: {
        activity: [
          ...(sabotage.interceptor === undefined ? [] : [sabotage.interceptor]),
          breakActivities(board, { faults: simulator.faults, pool: dependencies.pool }),
          followVirtualTime((nowMs) => simulator.clock.advanceTo(nowMs)),
        ],
      },
    });
    const running = worker.run();
    return async () => {
      worker.shutdown();
      await running;
    };
  }

  return {
    board,
    client,
    holdfast: createHoldfastClient({ client, taskQueue, policy: options.policy ?? {} }),
    simulator,
    dependencies,
    workerSettings,
    async close() {
      await relays.stop();
      await stopWorker?.();
      await webhooks.close();
      await simulator.stop();
      await dependencies.close();
      await database.drop();
    },
  };
}

/** The activities over stores that can be torn, with the seeded bug of the test where there is one. */
function breakable(dependencies: Dependencies, sabotage: Sabotage): Activities {
  const { pool, keyring, redis } = dependencies;
  const store = tearable(createPaymentStore({ pool, keyring }), [
    'recordAttempt',
    'recordVoid',
    'recordCapture',
    'recordHoldExpired',
  ]);
  const refunds = tearable(createRefundStore({ pool }), ['recordAnswer', 'recordRefusal', 'recordElsewhere']);
  const disputes = tearable(createDisputeStore({ pool, keyring }), ['record', 'recordRefusal']);
  const subscriptions = tearable(createSubscriptionStore({ pool }), ['recordSubscription']);
  const provider = paymentContext({
    stripe: sabotage.stripe?.(dependencies.stripe) ?? dependencies.stripe,
    store: sabotage.store?.(store) ?? store,
    cache: createPaymentCache(redis, { scope: 'test', onFailure: () => undefined }),
  });
  const activities: Activities = {
    ...dependencies.activities,
    ...createPaymentActivities(provider),
    ...createRefundActivities(provider, refunds),
    ...createDisputeActivities(provider, disputes),
    ...createSubscriptionActivities({ payments: provider, store: subscriptions }),
  };
  return sabotage.activities?.(activities) ?? activities;
}

/** What the gateway does with a webhook, without the gateway: verify, keep once, answer. */
async function startWebhookEndpoint(dependencies: Dependencies): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const header = request.headers['stripe-signature'];
      const receive = async (): Promise<void> => {
        const body = Buffer.concat(chunks);
        const event = dependencies.verifyWebhook(body, typeof header === 'string' ? header : undefined);
        await dependencies.inbox.receive({ ...event, provider: 'stripe' });
      };
      receive().then(
        () => response.writeHead(200).end(),
        () => response.writeHead(500).end(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/webhooks/stripe`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

let installed = false;

/**
 * Thousands of lines tell here of steps that fail because they are meant to, and would bury what a test itself reports.
 * HOLDFAST_TEST_LOG (ERROR, WARN, INFO, DEBUG) shows them. Only where a worker is made: its last connection ends the runtime, which
 * keeps a process alive that never had one.
 */
function installQuietRuntime(): void {
  if (installed) return;
  installed = true;
  const level = process.env.HOLDFAST_TEST_LOG as LogLevel | undefined;
  Runtime.install({
    shutdownSignals: [],
    logger: level === undefined ? new DefaultLogger('ERROR', () => undefined) : new DefaultLogger(level),
    telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
  });
}
