import type { Client } from '@temporalio/client';
import type { NativeConnection, Worker, WorkerInterceptors } from '@temporalio/worker';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { createHoldfastClient } from '../../clients/client';
import { createGateway } from '../../clients/gateway';
import type { Gateway } from '../../clients/gateway';
import type { NotificationSettings } from '../../activities/notifications';
import type { Retention } from '../../activities/storage';
import type { DisputePolicy } from '../../workflows/domain/dispute/plan';
import type { FraudWarningPolicy } from '../../workflows/domain/dispute/fraud-warning';
import type { OrderPolicy } from '../../workflows/domain/shared/policy';
import type { RefundPolicy } from '../../workflows/domain/refund/refund';
import type { DunningPolicy } from '../../workflows/domain/subscription/subscription';
import { createDependencies } from '../dependencies/dependencies';
import type { Dependencies } from '../dependencies/dependencies';
import type { EncryptionKey, StripeConfig, TemporalConnectionOptions } from '../config/config';
import { gatewayDependencies } from '../dependencies/gateway-dependencies';
import { startRelays } from '../relays';
import type { StripeLimits } from '../config/stripe-limits';
import type { EventSink } from '../relays/outbox-relay';
import { claimFirstVersion, countPollers } from '../setup/deployment';
import { temporalUnreachable } from '../setup/fault';
import { assertSetUp } from '../setup/start-check';
import { asListenProblem } from './start-refused';
import { connectTemporal, createOrderWorker, createTemporalClient, installRuntime } from '../dependencies/temporal';

/** The shop's policies for refunds, disputes and fraud warnings; the rest are the defaults. */
export interface MoneyBackPolicies {
  readonly disputes?: Partial<DisputePolicy>;
  readonly fraudWarnings?: Partial<FraudWarningPolicy>;
  readonly refunds?: Partial<RefundPolicy>;
}

/** The resolved settings of a process. */
export interface Settings {
  readonly temporal: {
    readonly connection: TemporalConnectionOptions;
    readonly namespace: string;
    readonly taskQueue: string;
  };
  readonly databaseUrl: string;
  readonly stripe: StripeConfig;
  readonly stripeLimits?: StripeLimits;
  /** How long old rows are kept; the defaults where absent. */
  readonly retention?: Retention;
  /** Where absent, notices are only logged. */
  readonly notifications?: NotificationSettings;
  readonly encryptionKeys: readonly EncryptionKey[];
  readonly apiKeys: readonly string[];
  readonly paymentLink: (orderId: string) => string;
  readonly policy?: Partial<OrderPolicy>;
  /** For subscriptions that are followed from now on; the rest is DEFAULT_DUNNING_POLICY. */
  readonly dunning?: Partial<DunningPolicy>;
  /** For disputes, early fraud warnings and refunds, likewise. */
  readonly moneyBack?: MoneyBackPolicies;
  readonly buildId?: string;
}

/** The gateway waits so long for running requests on shutdown; the whole process must end within 10 s. */
const CLOSE_LIMIT_MS = 5_000;

/** The parts of a process, over one connection each. They are started on demand and stopped together, in reverse order. */
export class App {
  private readonly stops: (() => Promise<unknown>)[] = [];
  private worker: Worker | undefined;

  private constructor(
    readonly settings: Settings,
    readonly dependencies: Dependencies,
    readonly client: Client,
    private readonly connection: NativeConnection,
    private readonly log: Logger,
  ) {
    this.stops.push(
      () => connection.close(),
      () => dependencies.close(),
    );
  }

  static async connect(settings: Settings, redis: Redis, log: Logger): Promise<App> {
    installRuntime();
    const { connection: options } = settings.temporal;
    const connection = await connectTemporal(options).catch((error: unknown) => {
      throw temporalUnreachable(options.address ?? 'its default address', error);
    });
    const { databaseUrl, stripe, stripeLimits, notifications, encryptionKeys, paymentLink } = settings;
    const limits = stripeLimits === undefined ? {} : { stripeLimits };
    const dependencies = createDependencies({
      databaseUrl,
      redis,
      stripe,
      encryptionKeys,
      paymentLink,
      log,
      ...limits,
      ...(notifications === undefined ? {} : { notifications }),
    });
    const client = createTemporalClient(connection, settings.temporal.namespace, dependencies.dataConverter);
    return new App(settings, dependencies, client, connection, log);
  }

  /** Starts workflows and activities. Resolves once the worker polls; calls `onFatal` where the worker ends by itself. */
  async startWorker(onFatal: (error: unknown) => void, interceptors?: WorkerInterceptors): Promise<void> {
    const { temporal, buildId } = this.settings;
    const worker = await createOrderWorker({
      connection: this.connection,
      namespace: temporal.namespace,
      taskQueue: temporal.taskQueue,
      activities: this.dependencies.activities,
      dataConverter: this.dependencies.dataConverter,
      ...(interceptors === undefined ? {} : { interceptors }),
      ...(buildId === undefined ? {} : { buildId }),
    });
    this.worker = worker;
    const running = worker.run();
    running.catch(onFatal);
    this.stops.push(async () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await running;
    });
    if (buildId !== undefined) await this.takeVersion(buildId);
  }

  /** Versioned workers get no work while their deployment has no current version. */
  private async takeVersion(buildId: string): Promise<void> {
    const { namespace, taskQueue } = this.settings.temporal;
    try {
      const current = await claimFirstVersion(this.connection.workflowService, { namespace, taskQueue, buildId });
      if (current === buildId) return;
      this.log.warn(
        { buildId, current },
        'another version is current: this worker gets no new orders until "npx holdfast setup" makes its own current',
      );
    } catch (err) {
      this.log.error(
        { err, buildId },
        'the version of this worker could not be made current: run "npx holdfast setup"',
      );
    }
  }

  /** Starts the outbox relay, the inbox dispatcher and the relay for missed events. */
  startRelays(sinks: readonly EventSink[]): void {
    const { databaseUrl, temporal, notifications, retention, dunning, moneyBack } = this.settings;
    const { dependencies, client, log } = this;
    if (notifications === undefined) {
      log.warn('notices are only logged: set SMTP_URL and MAIL_FROM, or NOTICE_WEBHOOK_URL and NOTICE_WEBHOOK_SECRET');
    }
    const relays = startRelays({
      dependencies,
      databaseUrl,
      client,
      taskQueue: temporal.taskQueue,
      sinks,
      log,
      ...(retention === undefined ? {} : { retention }),
      ...(dunning === undefined ? {} : { dunning }),
      ...moneyBack,
    });
    this.stops.push(() => relays.stop());
  }

  /** Starts the HTTP gateway on a host and port; port 0 uses a free one. */
  async startGateway(host: string, port: number): Promise<Gateway> {
    const { dependencies, client, settings } = this;
    const { policy, dunning, moneyBack, temporal, apiKeys } = settings;
    const holdfast = createHoldfastClient({
      client,
      taskQueue: temporal.taskQueue,
      ...(policy === undefined ? {} : { policy }),
      ...(dunning === undefined ? {} : { dunning }),
      ...moneyBack,
    });
    const gateway = await createGateway(
      gatewayDependencies(dependencies, holdfast, {
        temporal: () => this.pingTemporal(),
        worker: () => this.assertPolled(),
      }),
      { apiKeys, logger: this.log, closeLimitMs: CLOSE_LIMIT_MS },
    );
    await gateway.listen(port, host).catch((error: unknown) => {
      throw asListenProblem(error, 'the gateway', host, port, 'HOST and PORT');
    });
    this.stops.push(() => gateway.close());
    return gateway;
  }

  /** @throws StartRefused where Postgres or Temporal is not ready for Holdfast */
  assertSetUp(): Promise<void> {
    const { pool, keyring } = this.dependencies;
    return assertSetUp({ pool, keyring, temporal: this.connection, namespace: this.settings.temporal.namespace });
  }

  /** @throws where the worker of this process does not run, or Postgres or Temporal cannot be reached */
  async assertWorking(): Promise<void> {
    if (this.worker?.getState() !== 'RUNNING') throw new Error('the worker is not running');
    await Promise.all([this.dependencies.pool.query('SELECT 1'), this.pingTemporal()]);
  }

  /** @throws where no worker of any process polls for the tasks of new orders */
  private async assertPolled(): Promise<void> {
    const { workflowService } = this.connection;
    if ((await countPollers(workflowService, this.settings.temporal, Date.now())) > 0) return;
    throw new Error(`no worker polls task queue ${this.settings.temporal.taskQueue}`);
  }

  private async pingTemporal(): Promise<void> {
    const { namespace } = this.settings.temporal;
    await this.connection.workflowService.describeNamespace({ namespace });
  }

  /** Stops every part, the last one first; a part that fails to stop does not prevent the others. */
  async stop(): Promise<void> {
    for (let stop = this.stops.pop(); stop !== undefined; stop = this.stops.pop()) {
      await stop().catch((err: unknown) => this.log.warn({ err }, 'a part did not stop cleanly'));
    }
  }
}

/** Writes events to the log; other sinks are added here. */
export function logSink(log: Logger): EventSink {
  return (event) => {
    const subject = 'orderId' in event ? { orderId: event.orderId } : { subscriptionId: event.subscriptionId };
    log.info({ event: event.type, ...subject, sequence: event.sequence }, 'event published');
    return Promise.resolve();
  };
}
