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

/** What the shop decides for money that goes back; the rest are the defaults. */
export interface MoneyBackPolicies {
  readonly disputes?: Partial<DisputePolicy>;
  readonly fraudWarnings?: Partial<FraudWarningPolicy>;
  readonly refunds?: Partial<RefundPolicy>;
}

/** Everything that a process of Holdfast must know; nothing is left to be found out. */
export interface Settings {
  readonly temporal: {
    readonly connection: TemporalConnectionOptions;
    readonly namespace: string;
    readonly taskQueue: string;
  };
  readonly databaseUrl: string;
  readonly stripe: StripeConfig;
  readonly stripeLimits?: StripeLimits;
  /** For how long old rows are kept; the defaults where absent. */
  readonly retention?: Retention;
  /** Notices go to the log where absent. */
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

/** Requests under way are finished within this on shutdown; the whole process must be down within 10 s. */
const CLOSE_LIMIT_MS = 5_000;

/** A process's parts over one connection each. Parts are started on demand and ended together, in reverse order. */
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

  /** Workflows and activities. Answers once it polls; `onFatal` is told where it ends by itself. */
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

  /** A deployment that has no current version yet gives its versioned workers nothing to do. */
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

  /** The outbox relay, the inbox dispatcher and the look for missed events. */
  startRelays(sinks: readonly EventSink[]): void {
    const { databaseUrl, temporal, notifications, retention, dunning, moneyBack } = this.settings;
    const { dependencies, client, log } = this;
    if (notifications === undefined) {
      log.warn('notices go to the log alone: set SMTP_URL and MAIL_FROM, or NOTICE_WEBHOOK_URL and its secret');
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

  /** The HTTP gateway on a host and port; 0 takes a free one. */
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

  /** @throws where the worker of this process does not run, or what it works with cannot be reached */
  async assertWorking(): Promise<void> {
    if (this.worker?.getState() !== 'RUNNING') throw new Error('the worker does not run');
    await Promise.all([this.dependencies.pool.query('SELECT 1'), this.pingTemporal()]);
  }

  /** @throws where no worker of any process would take a new order's tasks */
  private async assertPolled(): Promise<void> {
    const { workflowService } = this.connection;
    if ((await countPollers(workflowService, this.settings.temporal, Date.now())) > 0) return;
    throw new Error(`no worker polls task queue ${this.settings.temporal.taskQueue}`);
  }

  private async pingTemporal(): Promise<void> {
    const { namespace } = this.settings.temporal;
    await this.connection.workflowService.describeNamespace({ namespace });
  }

  /** Ends every part, the last one first; a part that fails to end does not keep the others. */
  async stop(): Promise<void> {
    for (let stop = this.stops.pop(); stop !== undefined; stop = this.stops.pop()) {
      await stop().catch((err: unknown) => this.log.warn({ err }, 'a part did not end cleanly'));
    }
  }
}

/** Events go to the log; other sinks join here. */
export function logSink(log: Logger): EventSink {
  return (event) => {
    const subject = 'orderId' in event ? { orderId: event.orderId } : { subscriptionId: event.subscriptionId };
    log.info({ event: event.type, ...subject, sequence: event.sequence }, 'event published');
    return Promise.resolve();
  };
}
