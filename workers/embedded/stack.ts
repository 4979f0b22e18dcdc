import { join } from 'node:path';
import type { NotificationSettings } from '../../activities/notifications';
import type { Config, StripeConfig, TemporalConnectionOptions } from '../config/config';
import { startMailServer, type MailServer } from './servers/mail/server';
import { openDataFolder, type DataFolder } from './servers/data-folder';
import { assertPortFree, findFreePort, FIXED_PORTS, type PortMode } from './servers/ports';
import { startPostgres } from './servers/postgres';
import type { Log } from './servers/process';
import { startRedis } from './servers/redis';
import { startStripeSimulator, type StripeSimulator } from './stripe/server';
import { startTemporal, type TemporalHandle } from './servers/temporal';

export interface StackOptions {
  ports: PortMode;
  /** Start with an empty data folder. */
  fresh: boolean;
  /** Default `.holdfast` in the current folder, which git ignores. */
  dataDir?: string;
  /** Gateway port asked for on the command line; overrides the configuration's. */
  port?: number;
}

/** The complete configuration: settings that were absent point to the embedded parts. */
export interface FilledConfig extends Config {
  temporal: Config['temporal'] & { connection: TemporalConnectionOptions };
  databaseUrl: string;
  stripe: StripeConfig;
}

export interface Stack {
  config: FilledConfig;
  temporal: TemporalHandle;
  /** For `createRedisClient`. */
  redis: { url: string } | { standIn: true };
  /** Present when Stripe is simulated. Its webhooks have no endpoint until the gateway sets one. */
  stripeSimulator?: StripeSimulator;
  /** Present when no mail server is configured: keeps the mails that it gets. */
  mail?: MailServer;
  /** Resolves with a reason when a part ends again and again, which makes the stack unusable. */
  readonly failed: Promise<string>;
  /** Ends everything embedded within 10 s. Safe to call twice. */
  stop(): Promise<void>;
}

type Stop = () => Promise<void>;

/** What every part that runs a child needs. */
interface PartContext {
  stops: Stop[];
  log: Log;
  onGivenUp: (reason: string) => void;
}

const EMBEDDED_KEY_ID = 'embedded';

/**
 * Starts the parts that the configuration does not name (Temporal with its web UI, Postgres, Redis, the Stripe simulator), on
 * the loopback address only, and logs one line for each.
 * @throws PortInUseError, or the error of the part that did not start; nothing is left running
 */
export async function startEmbeddedStack(input: { config: Config; options: StackOptions; log: Log }): Promise<Stack> {
  const { config, options, log } = input;
  const port = await gatewayPort(config, options);
  const folder = await openDataFolder(options.dataDir ?? join(process.cwd(), '.holdfast'), options.fresh, log);
  const stops: Stop[] = [];
  let onGivenUp: (reason: string) => void = () => undefined;
  const failed = new Promise<string>((resolve) => (onGivenUp = resolve));
  const stop = once(async () => {
    await stopAll(stops);
    await folder.release();
  });
  const part: PartContext = { stops, log, onGivenUp };
  try {
    // In parallel, because each mostly waits for its own child. All are awaited, so that after a failure the others can be stopped.
    const [temporal, databaseUrl, redis, stripeSimulator, mail] = await allOrThrow([
      temporalPart(config, options, folder, part),
      postgresPart(config, options, folder, part),
      redisPart(config, options, part),
      stripePart(config, options, folder, stops, log),
      mailPart(config, options, stops, log),
    ]);
    return {
      config: fill(config, { port, folder, temporal, databaseUrl, redis, stripeSimulator, mail }),
      temporal,
      redis,
      ...(stripeSimulator === undefined ? {} : { stripeSimulator }),
      ...(mail === undefined ? {} : { mail }),
      failed,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function gatewayPort(config: Config, options: StackOptions): Promise<number> {
  if (options.ports === 'auto' && options.port === undefined) return findFreePort();
  const port = options.port ?? config.port;
  await assertPortFree('gateway', port);
  return port;
}

async function temporalPart(
  config: Config,
  options: StackOptions,
  folder: DataFolder,
  { stops, log, onGivenUp }: PartContext,
): Promise<TemporalHandle> {
  const { connection, namespace } = config.temporal;
  const temporal = await startTemporal({
    dataDir: join(folder.path, 'temporal'),
    ports: options.ports,
    ui: true,
    log,
    onGivenUp,
    namespace,
    ...(connection === undefined ? {} : { configured: connection }),
  });
  stops.push(temporal.stop);
  if (temporal.source !== 'configured') {
    log(
      `Temporal: embedded server ${temporal.serverVersion} at ${temporal.address}, web UI at ${temporal.uiUrl ?? '-'} (set TEMPORAL_ADDRESS to use another)`,
    );
    if (!temporal.supportsTimeSkipping)
      log('Temporal: this server is older than 1.32, which tests need; the demo does not');
  }
  return temporal;
}

async function postgresPart(
  config: Config,
  options: StackOptions,
  folder: DataFolder,
  { stops, log, onGivenUp }: PartContext,
): Promise<string> {
  if (config.databaseUrl !== undefined) return config.databaseUrl;
  const postgres = await startPostgres({
    dataDir: join(folder.path, 'postgres'),
    port: options.ports === 'auto' ? 'auto' : FIXED_PORTS.postgres,
    persistent: true,
    log,
    onGivenUp,
  });
  stops.push(postgres.stop);
  log(
    `Postgres: embedded at ${withoutPassword(postgres.url)}, data in ${folder.path} (set DATABASE_URL to use another)`,
  );
  return postgres.url;
}

async function redisPart(
  config: Config,
  options: StackOptions,
  { stops, log, onGivenUp }: PartContext,
): Promise<Stack['redis']> {
  const redis = await startRedis({
    ports: options.ports,
    // We install nothing on a user's machine without asking: the stand-in is enough.
    allowInstall: false,
    log,
    onGivenUp,
    ...(config.redisUrl === undefined ? {} : { configuredUrl: config.redisUrl }),
  });
  stops.push(redis.stop);
  if (redis.url === undefined) return { standIn: true };
  if (config.redisUrl === undefined) log(`Redis: embedded at ${redis.url} (set REDIS_URL to use another)`);
  return { url: redis.url };
}

async function stripePart(
  config: Config,
  options: StackOptions,
  folder: DataFolder,
  stops: Stop[],
  log: Log,
): Promise<StripeSimulator | undefined> {
  if (config.stripe !== undefined) return undefined;
  if (options.ports === 'fixed') await assertPortFree('Stripe simulator', FIXED_PORTS.stripe);
  const simulator = await startStripeSimulator({
    // Orders in Postgres and Temporal survive a restart, so their objects at Stripe must survive it, too.
    stateFile: join(folder.path, 'stripe-simulator.jsonl'),
    ...(options.ports === 'fixed' ? { port: FIXED_PORTS.stripe } : {}),
  });
  stops.push(() => simulator.stop());
  log(`Stripe: simulator at ${simulator.url} (set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET to use Stripe)`);
  return simulator;
}

async function mailPart(
  config: Config,
  options: StackOptions,
  stops: Stop[],
  log: Log,
): Promise<MailServer | undefined> {
  if (config.notifications?.mail !== undefined) return undefined;
  const mail = await startMailServer({ ports: options.ports });
  stops.push(() => mail.stop());
  log(`Mail: embedded, see ${mail.url} (set SMTP_URL and MAIL_FROM to send it)`);
  return mail;
}

interface Started {
  port: number;
  folder: DataFolder;
  temporal: TemporalHandle;
  databaseUrl: string;
  redis: Stack['redis'];
  stripeSimulator: StripeSimulator | undefined;
  mail: MailServer | undefined;
}

function fill(config: Config, started: Started): FilledConfig {
  const { folder, stripeSimulator, mail } = started;
  const stripe = config.stripe ?? (stripeSimulator === undefined ? undefined : stripeOf(stripeSimulator));
  if (stripe === undefined) throw new Error('neither Stripe nor its simulator is there');
  return {
    ...config,
    port: started.port,
    temporal: { ...config.temporal, connection: config.temporal.connection ?? { address: started.temporal.address } },
    databaseUrl: started.databaseUrl,
    ...('url' in started.redis ? { redisUrl: started.redis.url } : {}),
    stripe,
    ...(mail === undefined ? {} : { notifications: { ...config.notifications, mail: embeddedMail(mail) } }),
    apiKeys: config.apiKeys.length > 0 ? config.apiKeys : [folder.secrets.apiKey],
    encryptionKeys:
      config.encryptionKeys.length > 0
        ? config.encryptionKeys
        : [{ id: EMBEDDED_KEY_ID, key: Buffer.from(folder.secrets.encryptionKey, 'base64') }],
  };
}

function stripeOf(simulator: StripeSimulator): StripeConfig {
  return { secretKey: simulator.secretKey, webhookSecrets: [simulator.webhookSecret], apiUrl: simulator.url };
}

function embeddedMail({ smtpUrl }: MailServer): NonNullable<NotificationSettings['mail']> {
  return { url: smtpUrl, from: 'Holdfast <shop@shop.localhost>', shopEmail: 'people@shop.localhost' };
}

/** In parallel, because each may take 5 s before it is killed. */
async function stopAll(stops: Stop[]): Promise<void> {
  await Promise.allSettled(stops.splice(0).map((stop) => stop()));
}

async function allOrThrow<T extends readonly unknown[]>(parts: { [K in keyof T]: Promise<T[K]> }): Promise<T> {
  const results = await Promise.allSettled(parts);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return Promise.all(parts) as unknown as Promise<T>;
}

function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= work());
}

function withoutPassword(url: string): string {
  const shown = new URL(url);
  shown.password = '';
  return shown.toString();
}
