import { NativeConnection } from '@temporalio/worker';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { createDependencies } from '../../workers/dependencies/dependencies';
import { createOrderWorker, installRuntime } from '../../workers/dependencies/temporal';
import { sightingOf } from './interceptor';
import type { Sighting } from './plan';

/** What a worker in a process of its own is told by its parent. */
export interface WorkerSettings {
  readonly temporalAddress: string;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly stripeUrl: string;
  readonly stripeKey: string;
  /** Base64. */
  readonly encryptionKey: string;
  readonly workflowBundlePath: string;
}

/** From this process to its parent. */
export type FromWorker =
  | { readonly kind: 'ready' }
  /** An activity is about to run; the parent answers whether the process will be killed after its effect. */
  | { readonly kind: 'sees'; readonly question: number; readonly sighting: Sighting; readonly nowMs?: number }
  /** The effect is done, the acknowledgement is held back. Kill me. */
  | { readonly kind: 'doomed'; readonly sighting: Sighting };

export interface ToWorker {
  readonly question: number;
  readonly doomed: boolean;
}

const ENOUGH_CONNECTIONS = 8;

/** A worker that asks its parent before every activity, and waits for its end where it is to be killed. */
async function main(): Promise<void> {
  installRuntime();
  const settings = JSON.parse(process.argv[2] ?? '{}') as WorkerSettings;
  const { taskQueue, namespace } = settings;
  const dependencies = createDependencies({
    databaseUrl: settings.databaseUrl,
    redis: new Redis(settings.redisUrl, { keyPrefix: `${taskQueue}:` }),
    stripe: { secretKey: settings.stripeKey, webhookSecrets: ['whsec_unused'], apiUrl: settings.stripeUrl },
    encryptionKeys: [{ id: 'test', key: Buffer.from(settings.encryptionKey, 'base64') }],
    paymentLink: (orderId) => `https://shop.test/orders/${orderId}/payment`,
    log: pino({ level: 'silent' }),
    maxDatabaseConnections: ENOUGH_CONNECTIONS,
  });
  const ask = questions();
  const worker = await createOrderWorker({
    connection: await NativeConnection.connect({ address: settings.temporalAddress }),
    namespace,
    taskQueue,
    activities: dependencies.activities,
    dataConverter: dependencies.dataConverter,
    workflowBundle: { codePath: settings.workflowBundlePath },
    interceptors: {
      activity: [
        (context) => ({
          inbound: {
            async execute(input, next) {
              const sighting = sightingOf(context, input.args);
              const { isLocal, currentAttemptScheduledTimestampMs: nowMs } = context.info;
              const doomed = await ask(sighting, isLocal ? undefined : nowMs);
              const result = await next(input);
              if (!doomed) return result;
              tell({ kind: 'doomed', sighting });
              return new Promise<never>(() => undefined);
            },
          },
        }),
      ],
    },
  });
  const running = worker.run();
  tell({ kind: 'ready' });
  await running;
}

function questions(): (sighting: Sighting, nowMs: number | undefined) => Promise<boolean> {
  const open = new Map<number, (doomed: boolean) => void>();
  let count = 0;
  process.on('message', ({ question, doomed }: ToWorker) => {
    open.get(question)?.(doomed);
    open.delete(question);
  });
  return (sighting, nowMs) =>
    new Promise((resolve) => {
      const question = (count += 1);
      open.set(question, resolve);
      tell({ kind: 'sees', question, sighting, ...(nowMs === undefined ? {} : { nowMs }) });
    });
}

function tell(message: FromWorker): void {
  process.send?.(message);
}

if (process.send !== undefined && process.env['HOLDFAST_FAULT_WORKER'] === '1') {
  // The parent is gone: nobody answers any more.
  process.on('disconnect', () => process.exit(0));
  main().catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
}
