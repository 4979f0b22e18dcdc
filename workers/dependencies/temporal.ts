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

/** Every activity that a worker of Holdfast offers. */
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
  /** Worker Deployment Versioning: pins checkouts to the build that began them. Off for a stack that is started by hand. */
  readonly buildId?: string;
}

/**
 * A cached workflow costs about 1 MB; 300 of them fit beside the rest in a heap of 1 GB, and an order that is parked for
 * days is replayed in some 12 ms when it wakes.
 */
const MAX_CACHED_WORKFLOWS = 300;

/** Activities mostly wait for a provider: many at a time, yet fewer than the database pool would queue for seconds. */
const MAX_ACTIVITIES = 100;

/** Work under way is finished within this on shutdown; what takes longer is cancelled, and its retry runs elsewhere. */
const SHUTDOWN_GRACE = '5 s';
const SHUTDOWN_FORCE = '8 s';

/** Connects natively; workers and clients share one connection, which eager workflow start needs. */
export function connectTemporal(options: TemporalConnectionOptions): Promise<NativeConnection> {
  return NativeConnection.connect(options);
}

/** A client on the worker's own connection, with the payload encryption that all of Holdfast shares. */
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
    // The outermost: what others throw passes it, too.
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
 * One runtime per process, before its first connection: what the SDK logs is worth reading from warnings on, and signals
 * are the process's own business.
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
