import type { WorkerSettings } from '../shop';
import { connect, quietLog, startWorker } from '../shop';

/* A worker in a process of its own, as in life: nothing of the shop's, the callers' or the provider's work holds it up. */

async function main(settings: WorkerSettings): Promise<void> {
  const { dependencies, connection } = await connect(settings, quietLog());
  const worker = await startWorker(settings, dependencies, connection);
  process.on('message', () => {
    void worker
      .stop()
      .then(() => connection.close())
      .then(() => dependencies.close())
      .then(() => process.exit(0));
  });
  process.on('disconnect', () => process.exit());
  process.send?.('ready');
}

if (require.main === module) {
  main(JSON.parse(process.argv[2] ?? '') as WorkerSettings).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
}
