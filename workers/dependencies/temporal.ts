import { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { WorkerInterceptors, WorkflowBundleOption } from '@temporalio/worker';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AllDisputeActivities } from '../../workflows/dispute/ports';
import type { OrderActivities } from '../../workflows/order/ports';
import type { PaymentActivities } from '../../workflows/payment/ports';
import type { RefundActivities, RefundProviderActivities } from '../../workflows/refund/ports';
import type { SettlementActivities } from '../../workflows/settlement/ports';
import type { SubscriptionActivities, SubscriptionExceptions } from '../../workflows/subscription/ports';
import type { TemporalConnectionOptions } from '../config/config';
import { defectsOfActivities } from './activity-defects';
import { WORKFLOW_BUNDLE } from '../build-assets';

/** All activities of a worker. */
export type Activities = OrderActivities &
  PaymentActivities &
  AllDisputeActivities &
  RefundActivities &
  RefundProviderActivities &
  SettlementActivities &
  SubscriptionActivities &
  SubscriptionExceptions;

export interface OrderWorkerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly activities: Activities;
  readonly dataConverter: DataConverter;
  /** The bundled workflows; the build's own where absent. */
  readonly workflowBundle?: WorkflowBundleOption;
  readonly interceptors?: WorkerInterceptors;
  readonly identity?: string;
  /** Default 300; see below. */
  readonly maxCachedWorkflows?: number;
  /** Worker Deployment Versioning: pins checkouts to the build that started them. Absent: versioning is off. */
  readonly buildId?: string;
}

/**
 * A cached workflow takes about 1 MB, so 300 fit into a heap of 1 GB beside the rest. An order that waited for days is replayed in
 * some 12 ms.
 */
const MAX_CACHED_WORKFLOWS = 300;

/** Activities mostly wait for a provider, so many run at a time; with more, calls would queue for seconds at the database pool. */
const MAX_ACTIVITIES = 100;

/** Running activities have so long on shutdown; a longer one is cancelled, and another worker retries it. */
const SHUTDOWN_GRACE = '5 s';
const SHUTDOWN_FORCE = '8 s';

/** Workers and clients share this connection, which eager workflow start needs. */
export function connectTemporal(options: TemporalConnectionOptions): Promise<NativeConnection> {
  return NativeConnection.connect(options);
}

/** A client on the worker's connection, with payload encryption. */
export function createTemporalClient(
  connection: NativeConnection,
  namespace: string,
  dataConverter: DataConverter,
): Client {
  return new Client({ connection, namespace, dataConverter });
}

/** A worker for all workflows and activities. Run it with `run()`, end it with `shutdown()`. */
export function createOrderWorker(options: OrderWorkerOptions): Promise<Worker> {
  const { buildId, interceptors, identity } = options;
  return Worker.create({
    connection: options.connection,
    namespace: options.namespace,
    taskQueue: options.taskQueue,
    workflowBundle: options.workflowBundle ?? builtWorkflows(),
    activities: options.activities,
    dataConverter: options.dataConverter,
    maxCachedWorkflows: options.maxCachedWorkflows ?? MAX_CACHED_WORKFLOWS,
    maxConcurrentActivityTaskExecutions: MAX_ACTIVITIES,
    maxConcurrentLocalActivityExecutions: MAX_ACTIVITIES,
    shutdownGraceTime: SHUTDOWN_GRACE,
    shutdownForceTime: SHUTDOWN_FORCE,
    // The outermost interceptor, so that errors of the others pass through it.
    interceptors: { ...interceptors, activity: [defectsOfActivities, ...(interceptors?.activity ?? [])] },
    ...(identity === undefined ? {} : { identity }),
    ...(buildId === undefined
      ? {}
      : {
          workerDeploymentOptions: {
            version: { buildId, deploymentName: options.taskQueue },
            useWorkerVersioning: true,
            defaultVersioningBehavior: 'AUTO_UPGRADE' as const,
          },
        }),
  });
}

let installed = false;

/**
 * Call once per process, before its first connection. Limits the SDK's log to warnings, and leaves signals to the process.
 */
export function installRuntime(): void {
  if (installed) return;
  installed = true;
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('WARN'),
    telemetryOptions: { logging: { forward: {}, filter: 'WARN' } },
  });
}

function builtWorkflows(): WorkflowBundleOption {
  const codePath = join(__dirname, '../..', WORKFLOW_BUNDLE);
  if (!existsSync(codePath))
    throw new Error(`The workflows are not bundled at ${codePath}: run "npm run build" first.`);
  return { codePath };
}
