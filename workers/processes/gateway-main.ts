import { App } from './app';
import { connectRedis } from '../dependencies/redis-client';
import { configuredSettings, createProcessLog, runMain, stopAndExit, untilSignal } from './process';

/** `npm run gateway`: the HTTP API and the webhooks; embeds nothing, so everything must be configured. */
async function main(): Promise<void> {
  const log = createProcessLog();
  const { settings, config, redisUrl } = configuredSettings();
  const app = await App.connect(settings, connectRedis(redisUrl), log);
  await app.assertSetUp();
  const gateway = await app.startGateway(config.host ?? '0.0.0.0', config.port);
  log.info({ url: gateway.url }, 'the gateway is listening');
  await untilSignal();
  await stopAndExit(() => app.stop(), 0);
}

runMain(main);
