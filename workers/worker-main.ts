import { createServer } from 'node:http';
import { migrate } from '../activities/storage/migrate';
import { App, logSink } from './app';
import { createRedisClient } from './embedded/redis';
import { configuredSettings, createProcessLog, runMain, stopAndExit, untilSignal } from './process';

/** Beside the gateway's 8080. */
const DEFAULT_HEALTH_PORT = 8081;

/** `npm run worker`: workflows, activities and relays, with everything they need configured. */
async function main(): Promise<void> {
  const log = createProcessLog();
  const { settings, redisUrl } = configuredSettings();
  await migrate(settings.databaseUrl);
  const app = await App.connect(settings, createRedisClient({ url: redisUrl }), log);
  let fatal: unknown;
  await app.startWorker((error) => {
    fatal = error;
    log.fatal({ err: error }, 'the worker ended by itself');
    process.kill(process.pid, 'SIGTERM');
  });
  app.startRelays([logSink(log)]);
  const health = startHealth(app, Number(process.env['HOLDFAST_WORKER_PORT'] ?? DEFAULT_HEALTH_PORT));
  log.info({ taskQueue: settings.temporal.taskQueue }, 'the worker is running');
  await untilSignal();
  health.close();
  await stopAndExit(() => app.stop(), fatal === undefined ? 0 : 1);
}

/** `/healthz`: the process lives. `/readyz`: what it needs can be reached. */
function startHealth(app: App, port: number): ReturnType<typeof createServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (request.url === '/healthz') return answer(200, { status: 'ok' });
    if (request.url !== '/readyz') return answer(404, { status: 'not found' });
    Promise.all([app.dependencies.pool.query('SELECT 1'), app.pingTemporal()]).then(
      () => answer(200, { status: 'ready' }),
      () => answer(503, { status: 'not ready' }),
    );
  });
  return server.listen(port, '127.0.0.1');
}

runMain(main);
