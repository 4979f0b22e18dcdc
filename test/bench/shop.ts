import { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { NativeConnection, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import type { Logger } from 'pino';
import { createSampleCatalogue } from '../../activities/storage';
import { createHoldfastClient } from '../../clients/client';
import type { CheckoutRequest, HoldfastClient } from '../../clients/client';
import { createDependencies } from '../../workers/dependencies/dependencies';
import type { Dependencies } from '../../workers/dependencies/dependencies';
import { startStripeSimulator } from '../../workers/embedded/stripe/server';
import type { StripeSimulator, StripeSimulatorOptions } from '../../workers/embedded/stripe/server';
import type { StripeLimits } from '../../workers/config/stripe-limits';
import { startRelays } from '../../workers/relays';
import type { Relays } from '../../workers/relays';
import {
  connectTemporal,
  createOrderWorker,
  createTemporalClient,
  installRuntime,
} from '../../workers/dependencies/temporal';
import { bareActivities } from './designs';
import { startBenchGateway } from './bench-gateway';
import type { Servers } from './servers';

/** What a worker must know; it goes to another process as JSON. */
export interface WorkerSettings {
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly taskQueue: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly stripe: { readonly secretKey: string; readonly webhookSecret: string; readonly apiUrl: string };
  readonly stripeLimits?: StripeLimits;
  /** Where mails go; notices go to the log where absent. */
  readonly smtpUrl?: string;
  /** 32 bytes, base64. */
  readonly encryptionKey: string;
  readonly bundlePath: string;
}

/** A whole Holdfast on a run's servers, its parts in this process: client, simulator, gateway, relays and worker. */
export interface Shop {
  readonly settings: WorkerSettings;
  readonly client: Client;
  readonly connection: NativeConnection;
  readonly holdfast: HoldfastClient;
  readonly dependencies: Dependencies;
  readonly simulator: StripeSimulator;
  readonly gatewayUrl: string;
  readonly log: Logger;
  /** Whether the provider's webhooks reach the gateway; they do from the start. */
  deliverWebhooks(wanted: boolean): void;
  relays(taskQueue?: string): Relays;
  /** Another client of the same shop, whose workflows go to another worker. */
  clientFor(taskQueue: string): HoldfastClient;
  startWorker(options?: { taskQueue?: string; maxCachedWorkflows?: number }): Promise<RunningWorker>;
  close(): Promise<void>;
}

export interface RunningWorker {
  stop(): Promise<void>;
}

export const quietLog = (): Logger => pino({ level: process.env['HOLDFAST_BENCH_LOG'] ?? 'silent' });

export async function openShop(
  servers: Servers,
  name: string,
  bundlePath: string,
  options: StripeSimulatorOptions = {},
  more: Pick<WorkerSettings, 'stripeLimits' | 'smtpUrl'> = {},
): Promise<Shop> {
  const log = quietLog();
  // A run makes more objects than a test; their logs are not read.
  const simulator = await startStripeSimulator({ ...options, limits: { events: 60_000, requests: 1_000 } });
  const { secretKey, webhookSecret, url } = simulator;
  const settings: WorkerSettings = {
    temporalAddress: servers.temporalAddress,
    temporalNamespace: servers.temporalNamespace,
    taskQueue: `bench-${name}`,
    databaseUrl: await servers.createDatabase(`bench_${name}`),
    redisUrl: servers.redisUrl,
    stripe: { secretKey, webhookSecret, apiUrl: url },
    encryptionKey: Buffer.alloc(32, name).toString('base64'),
    bundlePath,
    ...more,
  };
  const { dependencies, connection, client } = await connect(settings, log);
  await createSampleCatalogue(dependencies.pool);
  const clientFor = (taskQueue: string): HoldfastClient => createHoldfastClient({ client, taskQueue });
  const holdfast = clientFor(settings.taskQueue);
  const gateway = await startBenchGateway(dependencies, holdfast, log);
  const deliverWebhooks = (wanted: boolean): void =>
    simulator.setWebhookEndpoint(wanted ? `${gateway.url}/webhooks/stripe` : undefined);
  deliverWebhooks(true);
  return {
    settings,
    client,
    connection,
    holdfast,
    dependencies,
    simulator,
    gatewayUrl: gateway.url,
    log,
    deliverWebhooks,
    clientFor,
    relays: (taskQueue = settings.taskQueue) =>
      startRelays({ dependencies, databaseUrl: settings.databaseUrl, client, taskQueue, sinks: [], log }),
    startWorker: (workerOptions) => startWorker(settings, dependencies, connection, workerOptions),
    async close() {
      deliverWebhooks(false);
      await gateway.close();
      await simulator.stop();
      await connection.close();
      await dependencies.close();
    },
  };
}

/** The parts of a worker's process over its connections. */
export async function connect(settings: WorkerSettings, log: Logger) {
  installRuntime();
  const { secretKey, webhookSecret, apiUrl } = settings.stripe;
  const dependencies = createDependencies({
    databaseUrl: settings.databaseUrl,
    redis: new Redis(settings.redisUrl, { keyPrefix: `${settings.taskQueue}:` }),
    stripe: { secretKey, webhookSecrets: [webhookSecret], apiUrl },
    ...(settings.stripeLimits === undefined ? {} : { stripeLimits: settings.stripeLimits }),
    ...(settings.smtpUrl === undefined
      ? {}
      : { notifications: { mail: { url: settings.smtpUrl, from: 'Sample Shop <shop@shop.example>' } } }),
    encryptionKeys: [{ id: 'bench', key: Buffer.from(settings.encryptionKey, 'base64') }],
    paymentLink: (orderId) => `https://shop.example/orders/${orderId}/payment`,
    log,
  });
  const connection = await connectTemporal({ address: settings.temporalAddress });
  const client = createTemporalClient(connection, settings.temporalNamespace, dependencies.dataConverter);
  return { dependencies, connection, client };
}

type OrderWorker = Parameters<typeof createOrderWorker>[0];

/** The product's worker, with the benchmark's workflows beside its own. */
export async function startWorker(
  settings: WorkerSettings,
  dependencies: Dependencies,
  connection: NativeConnection,
  options: {
    readonly taskQueue?: string;
    readonly maxCachedWorkflows?: number;
    readonly interceptors?: NonNullable<OrderWorker['interceptors']>;
  } = {},
): Promise<RunningWorker> {
  const activities = { ...dependencies.activities, ...bareActivities };
  const worker: Worker = await createOrderWorker({
    connection,
    namespace: settings.temporalNamespace,
    taskQueue: settings.taskQueue,
    activities,
    dataConverter: dependencies.dataConverter,
    workflowBundle: { codePath: settings.bundlePath },
    ...options,
  });
  const running = worker.run();
  return {
    async stop() {
      worker.shutdown();
      await running;
    },
  };
}

/** Customers that come back; every fifth checkout is a new one's, which costs two requests more at the provider. */
const RETURNING_CUSTOMERS = 40;
const NEW_CUSTOMER_EVERY = 5;
let carts = 0;

/** One item of one line, as in the story of the reference figures. */
export function oneItemCart(): CheckoutRequest {
  const number = ++carts;
  const isNew = number % NEW_CUSTOMER_EVERY === 0;
  const customer = isNew ? randomUUID() : `returning-${number % RETURNING_CUSTOMERS}`;
  return {
    cartId: `cart-${randomUUID()}`,
    currency: 'eur',
    customer: { id: customer, email: `${customer}@shop.example` },
    lines: [{ sku: 'MUG-BLUE', quantity: 1, unitAmount: 1290 }],
    shippingAmount: 490,
    taxAmount: 340,
    paymentMethod: 'pm_card_visa',
  };
}

/** Places an order; anything but a placed one ends the run, for then its figures mean nothing. */
export async function place(holdfast: HoldfastClient, cart = oneItemCart()): Promise<string> {
  const answer = await holdfast.checkout(cart);
  if (answer.state !== 'placed') throw new Error(`A checkout was not placed: ${JSON.stringify(answer)}`);
  return answer.orderId;
}

const HANDOVER_LIMIT_MS = 120_000;
const LOOK_EVERY_MS = 10;

/** Waits until every order's own workflow has taken it over, and its events are published. */
export async function handedOver(shop: Shop): Promise<void> {
  const deadline = performance.now() + HANDOVER_LIMIT_MS;
  // An order's first event is published once its workflow is started.
  const waiting = 'SELECT count(*) FROM outbox WHERE published_at IS NULL';
  for (;;) {
    const { rows } = await shop.dependencies.pool.query<{ count: string }>(waiting);
    if (Number(rows[0]?.count) === 0) return;
    if (performance.now() > deadline) throw new Error(`${rows[0]?.count} events were not published`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
