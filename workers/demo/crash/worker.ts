import { pino } from 'pino';
import { App } from '../../processes/app';
import { parseConfig } from '../../config/config';
import { createRedisClient } from '../../embedded/servers/redis';
import { runMain, stopAndExit, untilSignal } from '../../processes/process';

/**
 * A worker in a process of its own, for the scene in which one is killed. Its configuration comes from the environment,
 * like that of any worker. It runs no relays, which would start other orders on a task queue that ends with the scene.
 */
async function main(): Promise<void> {
  const { temporal, databaseUrl, redisUrl, stripe, encryptionKeys } = parseConfig(process.env);
  const { connection } = temporal;
  if (connection === undefined || databaseUrl === undefined || stripe === undefined)
    throw new Error('TEMPORAL_ADDRESS, DATABASE_URL and STRIPE_SECRET_KEY must be set');
  const app = await App.connect(
    {
      temporal: { ...temporal, connection },
      databaseUrl,
      stripe,
      encryptionKeys,
      apiKeys: [],
      paymentLink: (orderId) => orderId,
    },
    createRedisClient(redisUrl === undefined ? { standIn: true } : { url: redisUrl }),
    pino({ level: 'warn' }, pino.destination(2)),
  );
  await app.startWorker(() => process.exit(1));
  await untilSignal();
  await stopAndExit(() => app.stop(), 0);
}

runMain(main);
