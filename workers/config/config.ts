import { loadClientConnectConfig, type ClientConnectConfig } from '@temporalio/envconfig';
import { z } from 'zod';
import { apiKeyProblem } from '../../clients/gateway/server/auth';
import { ConfigurationError } from './configuration-error';
import type { NotificationSettings } from '../../activities/notifications';
import type { Retention } from '../../activities/storage';
import { notificationGroups, notificationSettings, notificationVariables } from './notification-config';
import { retention, retentionVariables } from './retention-config';
import { stripeLimits, stripeLimitVariables, type StripeLimits } from './stripe-limits';

/** How to reach a running Temporal server; used for the connections of clients and workers. */
export type TemporalConnectionOptions = ClientConnectConfig['connectionOptions'];

export interface EncryptionKey {
  id: string;
  /** 32 bytes, for AES-256-GCM. */
  key: Buffer;
}

export interface StripeConfig {
  secretKey: string;
  /** All valid signing secrets, the current one first; more than one while rotating. */
  webhookSecrets: [string, ...string[]];
  /** Another Stripe-shaped server; Stripe itself when absent. */
  apiUrl?: string;
}

export interface AmazonConfig {
  spApiUrl?: string;
  lwaUrl?: string;
  clientId: string;
  clientSecret: string;
  refreshToken: string;
  sqsEndpoint?: string;
  sqsQueueUrl?: string;
}

/** The whole configuration from the environment. `npm start` and the demo embed what is absent. */
export interface Config {
  temporal: { namespace: string; taskQueue: string; connection?: TemporalConnectionOptions };
  databaseUrl?: string;
  redisUrl?: string;
  stripe?: StripeConfig;
  /** Absent for the simulator, unless set. */
  stripeLimits?: StripeLimits;
  amazon?: AmazonConfig;
  /** How notices are sent; where absent, mails stay on this machine. */
  notifications?: NotificationSettings;
  /** How long old rows are kept. */
  retention: Retention;
  /** The shop's page where a customer renews a payment, with `{orderId}` in it; the gateway's own page where absent. */
  paymentLink?: string;
  /** Port of the HTTP gateway. */
  port: number;
  /** Address that the gateway listens on; each process has its own default. */
  host?: string;
  /** Where the worker answers `/healthz` and `/readyz`. */
  probes: { host: string; port: number };
  /** Switches Worker Deployment Versioning on. */
  buildId?: string;
  /** Accepted bearer keys; empty when none is set. */
  apiKeys: string[];
  /** The first encrypts, all decrypt; empty when none is set. */
  encryptionKeys: EncryptionKey[];
}

const DEFAULT_PORT = 8080;
/** The port after the gateway's; on loopback, since the probes need no API key. */
const DEFAULT_PROBES = { host: '127.0.0.1', port: 8081 };
const DEFAULT_TASK_QUEUE = 'holdfast';
const DEFAULT_NAMESPACE = 'default';
const ENCRYPTION_KEY_BYTES = 32;
/** 24 random characters cannot be guessed over HTTP; a shorter key tends to be a word. */
const API_KEY_MIN_LENGTH = 24;
/** Stripe rotates with two secrets at a time; a longer list was pasted by mistake. */
const MAX_LIST_LENGTH = 10;

const url = (expected: string, ...schemes: string[]) =>
  z.string().refine((value) => schemes.includes(schemeOf(value) ?? ''), { error: `must be ${expected}` });
const httpUrl = url('an http:// or https:// URL', 'http:', 'https:');
const list = (expected: string, isValid: (item: string) => boolean) =>
  z
    .string()
    .transform((value) => value.split(',').map((item) => item.trim()))
    .refine((items) => items.length <= MAX_LIST_LENGTH && items.every(isValid), { error: `must be ${expected}` });
const host = z.string().regex(/^[\w.:-]+$/, { error: 'must be a host name or an IP address' });
const port = z
  .string()
  .regex(/^\d{1,5}$/, { error: 'must be a port number from 1 to 65535' })
  .transform(Number)
  .refine(isPort, { error: 'must be a port number from 1 to 65535' });

const environment = z.object({
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^\s/]+:\d{1,5}$/, { error: 'must be host:port' })
    .optional(),
  TEMPORAL_NAMESPACE: z.string().regex(/^\S+$/, { error: 'must be a namespace name' }).optional(),
  HOLDFAST_TASK_QUEUE: z
    .string()
    .regex(/^\S+$/, { error: 'must be a task queue name without spaces' })
    .default(DEFAULT_TASK_QUEUE),
  DATABASE_URL: url('a postgres:// URL', 'postgres:', 'postgresql:').optional(),
  REDIS_URL: url('a redis:// or rediss:// URL', 'redis:', 'rediss:').optional(),
  STRIPE_SECRET_KEY: z
    .string()
    .regex(/^(sk|rk)_(test|live)_\w+$/, { error: 'must be a Stripe secret key (sk_test_…, sk_live_… or rk_…)' })
    .optional(),
  STRIPE_WEBHOOK_SECRET: list('webhook signing secrets (whsec_…), comma-separated, at most 10', (item) =>
    /^whsec_\S+$/.test(item),
  ).optional(),
  STRIPE_API_URL: httpUrl.optional(),
  HOLDFAST_PAYMENT_LINK: httpUrl
    .refine((value) => value.includes('{orderId}'), { error: 'must contain {orderId}' })
    .optional(),
  ...stripeLimitVariables,
  ...notificationVariables,
  ...retentionVariables,
  SP_API_URL: httpUrl.optional(),
  LWA_URL: httpUrl.optional(),
  LWA_CLIENT_ID: z.string().optional(),
  LWA_CLIENT_SECRET: z.string().optional(),
  SP_API_REFRESH_TOKEN: z.string().optional(),
  SQS_ENDPOINT: httpUrl.optional(),
  SQS_QUEUE_URL: httpUrl.optional(),
  PORT: port.default(DEFAULT_PORT),
  HOST: host.optional(),
  HOLDFAST_WORKER_PORT: port.default(DEFAULT_PROBES.port),
  HOLDFAST_WORKER_HOST: host.default(DEFAULT_PROBES.host),
  // Temporal's own limit for a build id is 255 characters.
  HOLDFAST_BUILD_ID: z
    .string()
    .regex(/^[\w.+-]{1,128}$/, { error: 'must be 1 to 128 letters, digits, dots, plus signs, dashes or underscores' })
    .optional(),
  HOLDFAST_API_KEYS: list(
    `random keys of at least ${API_KEY_MIN_LENGTH} printable ASCII characters, comma-separated, at most 10`,
    (item) => apiKeyProblem(item) === undefined && item.length >= API_KEY_MIN_LENGTH,
  ).default([]),
  HOLDFAST_ENCRYPTION_KEYS: list(
    'id:base64 pairs with different ids and 32 bytes each, comma-separated, the first one encrypts',
    (item) => parseEncryptionKey(item) !== undefined,
  )
    .transform((items) => items.map(parseEncryptionKey).filter((key) => key !== undefined))
    .refine((keys) => new Set(keys.map(({ id }) => id)).size === keys.length, { error: 'must not repeat an id' })
    .default([]),
});

type Environment = z.infer<typeof environment>;

/**
 * Reads the whole configuration from the environment. An empty variable counts as unset.
 * @throws ConfigurationError that names every wrong variable at once, but no values, which may be secrets
 */
export function parseConfig(env: NodeJS.ProcessEnv): Config {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''));
  const parsed = environment.safeParse(set);
  const problems = parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
  problems.push(...contradictions(set));
  const connection = temporalConnection(set, problems);
  if (!parsed.success || problems.length > 0) throw new ConfigurationError(problems);
  return toConfig(parsed.data, connection);
}

/** Rules across variables; checked even where single variables are wrong, so that one error names everything. */
function contradictions(set: NodeJS.ProcessEnv): string[] {
  const problems = [
    ...halfSet(set, ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET'], ['STRIPE_API_URL']),
    ...halfSet(
      set,
      ['LWA_CLIENT_ID', 'LWA_CLIENT_SECRET', 'SP_API_REFRESH_TOKEN'],
      ['SP_API_URL', 'LWA_URL', 'SQS_ENDPOINT', 'SQS_QUEUE_URL'],
    ),
    ...notificationGroups.flatMap(([needed, optional]) => halfSet(set, needed, optional)),
  ];
  const { STRIPE_SECRET_KEY: key, STRIPE_API_URL: apiUrl } = set;
  if (key !== undefined && apiUrl !== undefined && /^(sk|rk)_live_/.test(key) && !isSafeForLiveKeys(apiUrl)) {
    problems.push(
      'STRIPE_API_URL must be https or on the loopback address when STRIPE_SECRET_KEY is a live key, which would travel in clear text',
    );
  }
  if (key !== undefined && set.HOLDFAST_PAYMENT_LINK === undefined && !(apiUrl !== undefined && isLoopback(apiUrl))) {
    problems.push(
      'HOLDFAST_PAYMENT_LINK must be set because STRIPE_SECRET_KEY is: it is the page of the shop where a customer renews a payment, e.g. https://shop.example/orders/{orderId}/payment',
    );
  }
  return problems;
}

/** A provider is configured wholly or not at all: a half-set one must be an error, never a silent simulator. */
function halfSet(set: NodeJS.ProcessEnv, needed: string[], optional: string[]): string[] {
  const present = [...needed, ...optional].filter((name) => set[name] !== undefined);
  if (present.length === 0) return [];
  return needed
    .filter((name) => set[name] === undefined)
    .map((name) => `${name} must be set because ${present.join(', ')} is`);
}

/**
 * A Temporal server counts as configured when a variable names it. A temporal.toml in the home folder alone does not:
 * the demo must not send its orders to a cluster that happens to be named there.
 */
function temporalConnection(set: NodeJS.ProcessEnv, problems: string[]): ClientConnectConfig | undefined {
  const named = set.TEMPORAL_ADDRESS ?? set.TEMPORAL_PROFILE ?? set.TEMPORAL_CONFIG_FILE;
  if (named === undefined) return undefined;
  try {
    const overrideEnvVars = Object.fromEntries(
      Object.entries(set).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
    return loadClientConnectConfig({ overrideEnvVars });
  } catch (error) {
    problems.push(
      `TEMPORAL_* or its configuration file cannot be used: ${error instanceof Error ? error.message : String(error)}`,
    );
    return undefined;
  }
}

function toConfig(env: Environment, temporal: ClientConnectConfig | undefined): Config {
  const [webhookSecret, ...olderSecrets] = env.STRIPE_WEBHOOK_SECRET ?? [];
  const config: Config = {
    temporal: {
      namespace: env.TEMPORAL_NAMESPACE ?? temporal?.namespace ?? DEFAULT_NAMESPACE,
      taskQueue: env.HOLDFAST_TASK_QUEUE,
      ...(temporal === undefined ? {} : { connection: temporal.connectionOptions }),
    },
    retention: retention(env),
    port: env.PORT,
    probes: { host: env.HOLDFAST_WORKER_HOST, port: env.HOLDFAST_WORKER_PORT },
    apiKeys: env.HOLDFAST_API_KEYS,
    encryptionKeys: env.HOLDFAST_ENCRYPTION_KEYS,
  };
  if (env.HOST !== undefined) config.host = env.HOST;
  if (env.HOLDFAST_BUILD_ID !== undefined) config.buildId = env.HOLDFAST_BUILD_ID;
  if (env.DATABASE_URL !== undefined) config.databaseUrl = env.DATABASE_URL;
  if (env.REDIS_URL !== undefined) config.redisUrl = env.REDIS_URL;
  if (env.STRIPE_SECRET_KEY !== undefined && webhookSecret !== undefined) {
    config.stripe = {
      secretKey: env.STRIPE_SECRET_KEY,
      webhookSecrets: [webhookSecret, ...olderSecrets],
      ...(env.STRIPE_API_URL === undefined ? {} : { apiUrl: env.STRIPE_API_URL }),
    };
  }
  if (env.HOLDFAST_PAYMENT_LINK !== undefined) config.paymentLink = env.HOLDFAST_PAYMENT_LINK;
  const limits = stripeLimits(env);
  if (limits !== undefined) config.stripeLimits = limits;
  const amazon = amazonConfig(env);
  if (amazon !== undefined) config.amazon = amazon;
  const notifications = notificationSettings(env);
  if (notifications !== undefined) config.notifications = notifications;
  return config;
}

function amazonConfig(env: Environment): AmazonConfig | undefined {
  const { LWA_CLIENT_ID: clientId, LWA_CLIENT_SECRET: clientSecret, SP_API_REFRESH_TOKEN: refreshToken } = env;
  if (clientId === undefined || clientSecret === undefined || refreshToken === undefined) return undefined;
  return {
    clientId,
    clientSecret,
    refreshToken,
    ...(env.SP_API_URL === undefined ? {} : { spApiUrl: env.SP_API_URL }),
    ...(env.LWA_URL === undefined ? {} : { lwaUrl: env.LWA_URL }),
    ...(env.SQS_ENDPOINT === undefined ? {} : { sqsEndpoint: env.SQS_ENDPOINT }),
    ...(env.SQS_QUEUE_URL === undefined ? {} : { sqsQueueUrl: env.SQS_QUEUE_URL }),
  };
}

function parseEncryptionKey(item: string): EncryptionKey | undefined {
  const match = /^([\w.-]{1,64}):([A-Za-z0-9+/]+={0,2})$/.exec(item);
  const [, id, encoded] = match ?? [];
  if (id === undefined || encoded === undefined) return undefined;
  const key = Buffer.from(encoded, 'base64');
  return key.length === ENCRYPTION_KEY_BYTES ? { id, key } : undefined;
}

function isSafeForLiveKeys(apiUrl: string): boolean {
  if (!URL.canParse(apiUrl)) return true; // already reported as a wrong URL
  return new URL(apiUrl).protocol === 'https:' || isLoopback(apiUrl);
}

function isLoopback(url: string): boolean {
  const { hostname } = URL.canParse(url) ? new URL(url) : { hostname: '' };
  return ['localhost', '[::1]'].includes(hostname) || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function schemeOf(value: string): string | undefined {
  return URL.canParse(value) ? new URL(value).protocol : undefined;
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 65_535;
}

export { readCommandLine, type CommandLine } from '../processes/command-line';
export { ConfigurationError } from './configuration-error';
