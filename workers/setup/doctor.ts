import { Client } from '@temporalio/client';
import { createTransport } from 'nodemailer';
import { createKeyring } from '../../activities/crypto';
import { createPool } from '../../activities/storage';
import { createStripeClient } from '../../activities/stripe';
import { ConfigurationError, parseConfig, type Config } from '../config/config';
import { connectRedis } from '../dependencies/redis-client';
import { missingSettings } from '../processes/process';
import {
  checkEncryptionKeys,
  checkNamespace,
  checkPollers,
  checkSchedules,
  checkSchema,
  checkVersion,
  type Workers,
} from './checks';
import { withTemporal } from './connect';
import { describeFault } from './fault';
import { inspect, type Finding } from './finding';

/** A mail server on the same network answers at once; short enough for a person who waits. */
const SMTP_LIMIT_MS = 5_000;

/**
 * Checks everything that a worker and a gateway with this environment need. Changes nothing.
 * @param report called with each finding as it is made
 */
export async function examine(environment: NodeJS.ProcessEnv, report: (finding: Finding) => void): Promise<void> {
  const config = readConfig(environment, report);
  if (config === undefined) return;
  const checks = [checkPostgres, checkRedis, checkTemporal, checkStripe, checkNotices];
  for (const check of checks) for (const finding of await check(config)) report(finding);
}

function readConfig(environment: NodeJS.ProcessEnv, report: (finding: Finding) => void): Config | undefined {
  const part = 'Configuration';
  const next = 'Set it in the environment: see docs/configuration.md';
  try {
    const config = parseConfig(environment);
    const missing = missingSettings(config);
    for (const text of missing) report({ part, status: 'fail', text, next });
    if (missing.length === 0) report({ part, status: 'ok', text: 'complete' });
    return config;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    for (const text of error.problems) report({ part, status: 'fail', text, next });
    return undefined;
  }
}

async function checkPostgres({ databaseUrl, encryptionKeys }: Config): Promise<readonly Finding[]> {
  if (databaseUrl === undefined) return [];
  const pool = createPool(databaseUrl, { maxConnections: 1 });
  try {
    const schema = await checkSchema(pool);
    if (schema.status === 'fail' || encryptionKeys.length === 0) return [schema];
    return [schema, await checkEncryptionKeys(pool, createKeyring(encryptionKeys))];
  } finally {
    await pool.end();
  }
}

async function checkRedis({ redisUrl }: Config): Promise<readonly Finding[]> {
  if (redisUrl === undefined) return [];
  const redis = connectRedis(redisUrl);
  const found = await inspect('Redis', async () => {
    const answered = await redis.ping().then(
      () => true,
      () => false,
    );
    return answered
      ? { status: 'ok', text: 'answers' }
      : {
          status: 'warn',
          text: 'does not answer: orders are processed without it, with a smaller share of the rate limits of Stripe',
          next: 'Check REDIS_URL, and that Redis runs and can be reached from here',
        };
  });
  redis.disconnect();
  return [found];
}

async function checkTemporal({ temporal, buildId }: Config): Promise<readonly Finding[]> {
  const { connection: options, namespace, taskQueue } = temporal;
  if (options === undefined) return [];
  const workers: Workers = { namespace, taskQueue, ...(buildId === undefined ? {} : { buildId }) };
  try {
    return await withTemporal(options, async (connection) => {
      const found = await checkNamespace(connection, namespace);
      if (found.some(({ part, status }) => part === 'Temporal' && status === 'fail')) return found;
      const client = new Client({ connection, namespace });
      return [
        ...found,
        await checkSchedules(client, taskQueue),
        await checkVersion(connection, workers),
        await checkPollers(connection, workers),
      ];
    });
  } catch (error) {
    return [{ part: 'Temporal', status: 'fail', ...describeFault(error) }];
  }
}

async function checkStripe({ stripe }: Config): Promise<readonly Finding[]> {
  if (stripe === undefined) return [];
  const { secretKey, apiUrl, webhookSecrets } = stripe;
  const mode = /_live_/.test(secretKey) ? 'live mode' : 'a sandbox or test mode';
  const found = await inspect('Stripe', async () => {
    try {
      const client = createStripeClient({ secretKey, ...(apiUrl === undefined ? {} : { apiUrl }) });
      await client.paymentIntents.list({ limit: 1 });
      return { status: 'ok', text: `the key works, in ${mode}; ${webhookSecrets.length} webhook secret(s)` };
    } catch (error) {
      const { text } = describeFault(error);
      return { status: 'fail', text, next: 'Check STRIPE_SECRET_KEY and its permissions, and STRIPE_API_URL' };
    }
  });
  return [found];
}

async function checkNotices({ notifications }: Config): Promise<readonly Finding[]> {
  const { mail, webhook } = notifications ?? {};
  if (mail === undefined && webhook === undefined) {
    const next = 'Set SMTP_URL and MAIL_FROM, or NOTICE_WEBHOOK_URL and NOTICE_WEBHOOK_SECRET';
    return [{ part: 'Notices', status: 'warn', text: 'they are only logged: no person is notified', next }];
  }
  if (mail === undefined) return [{ part: 'Notices', status: 'ok', text: 'they are sent to the webhook' }];
  const server = await inspect('Notices', async () => {
    const limits = { connectionTimeout: SMTP_LIMIT_MS, greetingTimeout: SMTP_LIMIT_MS, socketTimeout: SMTP_LIMIT_MS };
    const transport = createTransport({ url: mail.url, ...limits });
    try {
      await transport.verify();
      return { status: 'ok', text: `the mail server accepts mail from ${mail.from}` };
    } catch (error) {
      return { status: 'fail', text: `mail server: ${describeFault(error).text}`, next: 'Check SMTP_URL' };
    } finally {
      transport.close();
    }
  });
  if (mail.shopEmail !== undefined) return [server];
  const text = "no mail goes to the shop's own people";
  return [server, { part: 'Notices', status: 'warn', text, next: 'Set HOLDFAST_SHOP_EMAIL' }];
}
