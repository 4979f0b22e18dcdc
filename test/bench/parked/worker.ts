import type { WorkerSettings } from '../shop';
import { connect, quietLog, startWorker } from '../shop';

/*
 * A worker in a process of its own, so that its memory can be read alone. Told by messages: `memory` answers with what the
 * process takes, `stop` ends it.
 */

export interface Memory {
  /** What the operating system counts, in bytes: the workflows' own heaps are in it and in no other figure. */
  readonly rss: number;
  /** The main thread's heap in use, after a collection. */
  readonly heapUsed: number;
}

export type ParkedWorkerMessage = 'memory' | 'stop';

async function main(settings: WorkerSettings): Promise<void> {
  const log = quietLog();
  const { dependencies, connection } = await connect(settings, log);
  const worker = await startWorker(settings, dependencies, connection, {
    interceptors: { activity: [clockFollower(settings.stripe.apiUrl)] },
  });
  process.on('message', (message: ParkedWorkerMessage) => {
    if (message === 'memory') {
      globalThis.gc?.();
      const { rss, heapUsed } = process.memoryUsage();
      process.send?.({ rss, heapUsed } satisfies Memory);
      return;
    }
    void worker
      .stop()
      .then(() => connection.close())
      .then(() => dependencies.close())
      .then(() => process.exit(0));
  });
  process.on('disconnect', () => process.exit());
  process.send?.('ready');
}

type ActivityInterceptors = NonNullable<
  NonNullable<NonNullable<Parameters<typeof startWorker>[3]>['interceptors']>['activity']
>[number];

/** The provider's clock follows the orders' own, which the server moves: holds grow old as they do in life. */
function clockFollower(simulatorUrl: string): ActivityInterceptors {
  return ({ info }) => ({
    inbound: {
      async execute(input, next) {
        if (!info.isLocal) {
          const body = JSON.stringify({ advanceToMs: info.currentAttemptScheduledTimestampMs });
          const answer = await fetch(`${simulatorUrl}/_simulator/clock`, { method: 'POST', body });
          if (!answer.ok) throw new Error(`the simulator's clock was not moved: ${answer.status}`);
        }
        return next(input);
      },
    },
  });
}

if (require.main === module) {
  main(JSON.parse(process.argv[2] ?? '') as WorkerSettings).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
}
