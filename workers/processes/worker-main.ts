import { App, logSink } from './app';
import { connectRedis } from '../dependencies/redis-client';
import { startProbes } from './probes';
import { configuredSettings, createProcessLog, runMain, stopAndExit, untilSignal } from './process';

/** `npm run worker`: workflows, activities and relays; embeds nothing, so everything must be configured. */
async function main(): Promise<void> {
  const log = createProcessLog();
  const { settings, config, redisUrl } = configuredSettings();
  // Before anything else: a worker whose probes cannot listen must not start work.
  const probes = await startProbes(config.probes);
  const app = await App.connect(settings, connectRedis(redisUrl), log);
  await app.assertSetUp();
  let fatal: unknown;
  await app.startWorker((error) => {
    fatal = error;
    log.fatal({ err: error }, 'the worker ended by itself');
    process.kill(process.pid, 'SIGTERM');
  });
  app.startRelays([logSink(log)]);
  probes.watch(() => app.assertWorking());
  log.info({ taskQueue: settings.temporal.taskQueue, probes: config.probes }, 'the worker is running');
  await untilSignal();
  probes.close();
  await stopAndExit(() => app.stop(), fatal === undefined ? 0 : 1);
}

runMain(main);
