import { pino } from 'pino';
import type { Logger } from 'pino';
import type { Config } from '../config/config';
import { ConfigurationError, parseConfig } from '../config/config';
import type { Settings } from './app';
import { StartRefused } from './start-refused';

/** Limit for stopping all parts; then the process exits anyway. */
const STOP_LIMIT_MS = 10_000;

/** The process's own log: JSON lines to standard error, so that standard output stays for people and scripts. */
export function createProcessLog(): Logger {
  return pino({ level: process.env['LOG_LEVEL'] ?? 'info' }, pino.destination(2));
}

/** Runs the main function of a process. Prints errors of configuration as a message, others with their stack. */
export function runMain(main: () => Promise<void>): void {
  main().catch((error: unknown) => {
    const expected = error instanceof ConfigurationError || error instanceof StartRefused;
    console.error(expected ? error.message : error);
    process.exit(1);
  });
}

/** Resolves when the process is asked to end. A second signal ends it at once. */
export function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const onSignal = (signal: NodeJS.Signals): void => {
      resolve(signal);
      process.once(signal, () => process.exit(130));
    };
    process.once('SIGINT', onSignal);
    process.once('SIGTERM', onSignal);
  });
}

/** The exit status that a shell reports after SIGINT. */
export const INTERRUPTED = 130;

/**
 * Runs a start that a signal may interrupt; the process then exits at once. That is safe, since no orders are processed yet, and
 * watchdogs end the children that were started.
 */
export async function startOrLeave<T>(
  start: () => Promise<T>,
  signalled: Promise<unknown>,
  say: (line: string) => void,
): Promise<T> {
  let started = false;
  void signalled.then(() => {
    if (started) return;
    say('Stopping …');
    process.exit(INTERRUPTED);
  });
  const running = await start();
  started = true;
  return running;
}

/** Exits with a code once `stop` is done, or when that takes too long. */
export async function stopAndExit(stop: () => Promise<void>, code: number): Promise<never> {
  const limit = setTimeout(() => {
    console.error(`Not everything stopped within ${STOP_LIMIT_MS / 1000} s; exiting anyway.`);
    process.exit(code === 0 ? 1 : code);
  }, STOP_LIMIT_MS);
  await stop();
  clearTimeout(limit);
  process.exit(code);
}

/** The settings that a process without embedded parts lacks, one sentence each. */
export function missingSettings(config: Config): string[] {
  return [
    config.temporal.connection === undefined && 'TEMPORAL_ADDRESS must be set',
    config.databaseUrl === undefined && 'DATABASE_URL must be set',
    config.redisUrl === undefined && 'REDIS_URL must be set',
    config.stripe === undefined && 'STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET must be set',
    config.encryptionKeys.length === 0 && 'HOLDFAST_ENCRYPTION_KEYS must be set',
    config.apiKeys.length === 0 && 'HOLDFAST_API_KEYS must be set',
  ].filter((problem) => problem !== false);
}

/** The settings of a process without embedded parts. @throws ConfigurationError naming everything that is not configured */
export function configuredSettings(): { settings: Settings; config: Config; redisUrl: string } {
  const config = parseConfig(process.env);
  const missing = missingSettings(config);
  const { connection } = config.temporal;
  const { databaseUrl, redisUrl, stripe, encryptionKeys, apiKeys } = config;
  if (
    connection === undefined ||
    databaseUrl === undefined ||
    redisUrl === undefined ||
    stripe === undefined ||
    missing.length > 0
  ) {
    throw new ConfigurationError([...missing, 'or use npm start, which embeds what is not set']);
  }
  const settings: Settings = {
    temporal: { ...config.temporal, connection },
    databaseUrl,
    stripe,
    retention: config.retention,
    ...(config.stripeLimits === undefined ? {} : { stripeLimits: config.stripeLimits }),
    ...(config.notifications === undefined ? {} : { notifications: config.notifications }),
    encryptionKeys,
    apiKeys,
    paymentLink: paymentLink(config.paymentLink, `http://127.0.0.1:${config.port}`),
    ...(config.buildId === undefined ? {} : { buildId: config.buildId }),
  };
  return { settings, config, redisUrl };
}

/** The link with which a customer renews a payment: to the shop's own page, or to a page of the gateway that explains how. */
export function paymentLink(template: string | undefined, gatewayUrl: string): (orderId: string) => string {
  const text = template ?? `${gatewayUrl}/payment/{orderId}`;
  return (orderId) => text.replaceAll('{orderId}', encodeURIComponent(orderId));
}
