import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client as PgClient } from 'pg';
import { migrate } from '../../activities/storage/postgres/migrate';
import { startPostgres } from '../../workers/embedded/servers/postgres';
import { startRedis } from '../../workers/embedded/servers/redis';
import { startTemporal } from '../../workers/embedded/servers/temporal';
import { TEMPLATE_DATABASE, TEST_VARIABLES, type TestEnvironment } from './environment';

declare global {
  var holdfastTestStops: (() => Promise<void>)[] | undefined;
}

const ROOT = resolve(__dirname, '..', '..');

/**
 * Starts one Temporal (in memory), one Postgres and one Redis for the whole run, whatever the environment configures:
 * tests change and remove what they find, so they never run against someone's own servers.
 * @throws Error when one of them cannot be had; nothing is left running then
 */
export default async function globalSetup(): Promise<void> {
  const stops: (() => Promise<void>)[] = [];
  globalThis.holdfastTestStops = stops;
  const startedAt = Date.now();
  try {
    // Started together: each waits for its own child most of the time. All settle, so that a failure can stop the rest.
    const results = await Promise.allSettled([
      temporalForTests(stops),
      postgresForTests(stops),
      redisForTests(stops),
      bundle(stops),
    ]);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    log(`ready in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
  } catch (error) {
    await stopAll(stops);
    throw error;
  }
}

/** Ends what the set-up started, all at once: none of them needs another one to end. */
export async function stopAll(stops: (() => Promise<void>)[]): Promise<void> {
  await Promise.allSettled(stops.splice(0).map((stop) => stop()));
}

async function temporalForTests(stops: (() => Promise<void>)[]): Promise<void> {
  const temporal = await startTemporal({ dataDir: 'memory', ports: 'auto', ui: false, log, needTimeSkipping: true });
  stops.push(temporal.stop);
  if (!temporal.supportsTimeSkipping) {
    throw new Error(
      `Tests need a Temporal server with time skipping (1.32 or newer), and this one is ${temporal.serverVersion}.`,
    );
  }
  publish('temporalAddress', temporal.address);
  publish('temporalNamespace', temporal.namespace);
  publish('temporalServerVersion', temporal.serverVersion);
}

async function postgresForTests(stops: (() => Promise<void>)[]): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-postgres-'));
  const postgres = await startPostgres({ dataDir, port: 'auto', persistent: false, log, database: TEMPLATE_DATABASE });
  stops.push(postgres.stop);
  await migrate(postgres.url);
  const admin = new URL(postgres.url);
  admin.pathname = '/postgres';
  await forbidConnections(admin.toString());
  publish('postgresUrl', admin.toString());
}

/** Postgres copies a template only while nobody is connected to it, so nobody may be. */
async function forbidConnections(adminUrl: string): Promise<void> {
  const admin = new PgClient({ connectionString: adminUrl });
  await admin.connect();
  try {
    await admin.query(`ALTER DATABASE ${TEMPLATE_DATABASE} ALLOW_CONNECTIONS false IS_TEMPLATE true`);
  } finally {
    await admin.end();
  }
}

async function redisForTests(stops: (() => Promise<void>)[]): Promise<void> {
  const redis = await startRedis({ ports: 'auto', allowInstall: true, log });
  stops.push(redis.stop);
  if (redis.url === undefined) throw new Error('Tests need a real Redis server, and only the stand-in is there.');
  publish('redisUrl', redis.url);
}

async function bundle(stops: (() => Promise<void>)[]): Promise<void> {
  const workflowsPath = join(ROOT, 'workflows', 'index.ts');
  if (!existsSync(workflowsPath)) return;
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bundle-'));
  stops.push(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'workflows.js');
  await writeFile(path, code);
  publish('workflowBundlePath', path);
}

function publish(name: keyof TestEnvironment, value: string): void {
  process.env[TEST_VARIABLES[name]] = value;
}

function log(line: string): void {
  process.stderr.write(`[test set-up] ${line}\n`);
}
