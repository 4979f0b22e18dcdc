import { Client } from '@temporalio/client';
import type { Worker, WorkerInterceptors } from '@temporalio/worker';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import type { Logger } from 'pino';
import type { EncryptionKey } from '../../activities/crypto';
import { createSampleCatalogue } from '../../activities/storage';
import { createHoldfastClient } from '../../clients/client';
import type { HoldfastClient } from '../../clients/client';
import type { DisputePolicy } from '../../workflows/domain/dispute/plan';
import type { FraudWarningPolicy } from '../../workflows/domain/dispute/fraud-warning';
import type { OrderPolicy } from '../../workflows/domain/shared/policy';
import type { RefundPolicy } from '../../workflows/domain/refund/refund';
import type { DunningPolicy } from '../../workflows/domain/subscription/subscription';
import { createDependencies } from '../../workers/dependencies/dependencies';
import type { Dependencies } from '../../workers/dependencies/dependencies';
import type { ReceivedMail } from '../../workers/embedded/servers/mail/mailbox';
import { startMailServer } from '../../workers/embedded/servers/mail/server';
import type { MailServer } from '../../workers/embedded/servers/mail/server';
import { startStripeSimulator } from '../../workers/embedded/stripe/server';
import type { StripeSimulator, StripeSimulatorOptions } from '../../workers/embedded/stripe/server';
import { startRelays } from '../../workers/relays';
import { createOrderWorker, installRuntime } from '../../workers/dependencies/temporal';
import {
  closeConnections,
  createDatabase,
  getConnection,
  getNativeConnection,
  testEnvironment,
  uniqueName,
  workflowBundle,
} from './environment';
import type { TestDatabase } from './environment';
import { followVirtualTime } from './time/follow-time';

export interface WorldOptions {
  readonly simulator?: StripeSimulatorOptions;
  readonly policy?: Partial<OrderPolicy>;
  readonly dunning?: Partial<DunningPolicy>;
  readonly disputes?: Partial<DisputePolicy>;
  readonly fraudWarnings?: Partial<FraudWarningPolicy>;
  readonly refunds?: Partial<RefundPolicy>;
  readonly interceptors?: WorkerInterceptors;
  /** Start no worker: the test runs its own, e.g. in another process. */
  readonly withoutWorker?: boolean;
  readonly withoutRelays?: boolean;
  /** Keys of its own in place of a random one: for histories that must be readable later. */
  readonly encryptionKeys?: readonly EncryptionKey[];
  /** Where everything in this world logs to; nowhere, unless HOLDFAST_TEST_LOG says so. */
  readonly log?: Logger;
}

/** A whole Holdfast of a test's own: database, simulator, worker, relays and webhook endpoint, on the run's shared servers. */
export interface World {
  readonly taskQueue: string;
  readonly database: TestDatabase;
  readonly simulator: StripeSimulator;
  readonly dependencies: Dependencies;
  readonly client: Client;
  readonly holdfast: HoldfastClient;
  readonly log: Logger;
  /** Where this world's mails go; faults can be set there. */
  readonly mail: MailServer;
  /** What was sent to an address, or to anybody, oldest first. */
  mails(to?: string): readonly ReceivedMail[];
  close(): Promise<void>;
}

/** Where the shop's own people read in every world. */
export const SHOP_EMAIL = 'people@shop.test';

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const log = options.log ?? pino({ level: process.env['HOLDFAST_TEST_LOG'] ?? 'silent' });
  const taskQueue = uniqueName('world');
  const [database, simulator, mail] = await Promise.all([
    createDatabase(),
    startStripeSimulator(options.simulator),
    startMailServer({ ports: 'auto' }),
  ]);
  const redis = new Redis(testEnvironment().redisUrl, { keyPrefix: `${taskQueue}:` });
  const dependencies = createDependencies({
    databaseUrl: database.url,
    redis,
    stripe: { secretKey: simulator.secretKey, webhookSecrets: [simulator.webhookSecret], apiUrl: simulator.url },
    notifications: { mail: { url: mail.smtpUrl, from: 'Sample Shop <shop@shop.test>', shopEmail: SHOP_EMAIL } },
    encryptionKeys: options.encryptionKeys ?? [{ id: 'test', key: randomBytes(32) }],
    paymentLink: (orderId) => `https://shop.test/orders/${orderId}/payment`,
    log,
    maxDatabaseConnections: 10,
  });
  await createSampleCatalogue(dependencies.pool);
  const { temporalNamespace: namespace } = testEnvironment();
  const { dataConverter } = dependencies;
  const client = new Client({ connection: await getConnection(), namespace, dataConverter });
  const holdfast = createHoldfastClient({
    client,
    taskQueue,
    ...(options.policy === undefined ? {} : { policy: options.policy }),
  });
  const webhooks = await startWebhookEndpoint(dependencies);
  simulator.setWebhookEndpoint(webhooks.url);
  const worker =
    options.withoutWorker === true ? undefined : await startWorker(dependencies, taskQueue, simulator, options);
  const relays =
    options.withoutRelays === true
      ? undefined
      : startRelays({
          dependencies,
          databaseUrl: database.url,
          client,
          taskQueue,
          sinks: [],
          log,
          ...(options.dunning === undefined ? {} : { dunning: options.dunning }),
          ...(options.disputes === undefined ? {} : { disputes: options.disputes }),
          ...(options.fraudWarnings === undefined ? {} : { fraudWarnings: options.fraudWarnings }),
          ...(options.refunds === undefined ? {} : { refunds: options.refunds }),
        });
  return {
    taskQueue,
    database,
    simulator,
    dependencies,
    client,
    holdfast,
    log,
    mail,
    mails: (to) => mail.mails().filter((one) => to === undefined || one.to.includes(to)),
    async close() {
      await relays?.stop();
      await worker?.stop();
      await webhooks.close();
      await simulator.stop();
      await dependencies.close();
      await mail.stop();
      await database.drop();
    },
  };
}

async function startWorker(
  dependencies: Dependencies,
  taskQueue: string,
  simulator: StripeSimulator,
  options: WorldOptions,
) {
  // Only with a worker: its last connection ends the runtime, which keeps a process alive that never had one.
  installRuntime();
  const worker: Worker = await createOrderWorker({
    connection: await getNativeConnection(),
    namespace: testEnvironment().temporalNamespace,
    taskQueue,
    activities: dependencies.activities,
    dataConverter: dependencies.dataConverter,
    workflowBundle: workflowBundle(),
    interceptors: {
      ...options.interceptors,
      activity: [
        ...(options.interceptors?.activity ?? []),
        followVirtualTime((nowMs) => simulator.clock.advanceTo(nowMs)),
      ],
    },
  });
  const running = worker.run();
  return {
    async stop() {
      worker.shutdown();
      await running;
    },
  };
}

/** What the gateway does with a webhook, without the gateway: verify, keep once, answer. */
async function startWebhookEndpoint(dependencies: Dependencies): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const header = request.headers['stripe-signature'];
      const receive = async (): Promise<void> => {
        const event = dependencies.verifyWebhook(
          Buffer.concat(chunks),
          typeof header === 'string' ? header : undefined,
        );
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

export { closeConnections };
