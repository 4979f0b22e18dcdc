import { randomBytes } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { findFreePort } from '../../workers/embedded/servers/ports';
import type { StripeSimulator } from '../../workers/embedded/stripe/server';
import { testEnvironment, uniqueName, type TestDatabase } from './environment';

const DIST = resolve(__dirname, '../../dist/workers/processes');
const children: ChildProcess[] = [];

/** A process of the built package. */
export interface Run {
  readonly child: ChildProcess;
  /** Its exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
  readonly output: () => string;
  readonly errors: () => string;
}

/** What worker and gateway of a test's own are configured with: free ports, and an API key in `HOLDFAST_API_KEYS`. */
export async function processEnvironment(
  database: TestDatabase,
  simulator: StripeSimulator,
): Promise<NodeJS.ProcessEnv & Record<'PORT' | 'HOLDFAST_WORKER_PORT' | 'HOLDFAST_API_KEYS', string>> {
  const { temporalAddress, temporalNamespace, redisUrl } = testEnvironment();
  const [port, workerPort] = await Promise.all([freePort(), freePort()]);
  return {
    PATH: process.env['PATH'],
    TEMPORAL_ADDRESS: temporalAddress,
    TEMPORAL_NAMESPACE: temporalNamespace,
    HOLDFAST_TASK_QUEUE: uniqueName('processes'),
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl,
    STRIPE_SECRET_KEY: simulator.secretKey,
    STRIPE_WEBHOOK_SECRET: simulator.webhookSecret,
    STRIPE_API_URL: simulator.url,
    HOLDFAST_API_KEYS: `hf_${randomBytes(16).toString('hex')}`,
    HOLDFAST_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
    LOG_LEVEL: 'warn',
    HOST: '127.0.0.1',
    PORT: String(port),
    HOLDFAST_WORKER_PORT: String(workerPort),
  };
}

/** Starts a script of `dist/workers`; `npm test` builds it first. */
export function run(
  script: string,
  env: NodeJS.ProcessEnv,
  { args = [], cwd }: { readonly args?: readonly string[]; readonly cwd?: string } = {},
): Run {
  const child = spawn(process.execPath, [resolve(DIST, script), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  children.push(child);
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)));
  return { child, ended, output: () => output, errors: () => errors };
}

/** For afterAll: ends whatever a failed test left running. */
export function killProcesses(): void {
  for (const child of children.splice(0)) child.kill('SIGKILL');
}

export const freePort = findFreePort;

/** Status of a GET, 0 where nothing answers. */
export async function statusOf(url: string): Promise<number> {
  return (await fetch(url).catch(() => undefined))?.status ?? 0;
}
