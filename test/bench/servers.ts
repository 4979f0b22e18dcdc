import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { migrate } from '../../activities/storage/postgres/migrate';
import { removePostgresData, startPostgres } from '../../workers/embedded/servers/postgres';
import type { Log } from '../../workers/embedded/servers/process';
import { startRedis } from '../../workers/embedded/servers/redis';
import { startTemporal } from '../../workers/embedded/servers/temporal';

/** The servers of one run, each a process of its own. */
export interface Servers {
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly temporalVersion: string;
  readonly postgresVersion: string;
  readonly redisUrl: string;
  /** A database of its own, migrated. */
  createDatabase(name: string): Promise<string>;
  stop(): Promise<void>;
}

/**
 * One Temporal (SQLite in memory), one Postgres that commits to the disk, and one real Redis, for the whole run, whatever the
 * environment configures: a benchmark fills what it finds.
 */
export async function startServers(log: Log): Promise<Servers> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    await Promise.allSettled(stops.splice(0).map((end) => end()));
  };
  try {
    const temporal = await startTemporal({ dataDir: 'memory', ports: 'auto', ui: false, log, needTimeSkipping: true });
    stops.push(temporal.stop);
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
    // Persistent: with fsync and synchronous commits, as in real life.
    const dataDir = join(folder, 'postgres');
    const postgres = await startPostgres({ dataDir, port: 'auto', persistent: true, log: () => undefined });
    stops.push(async () => {
      await postgres.stop();
      await removePostgresData(dataDir, () => undefined);
      await rm(folder, { recursive: true, force: true });
    });
    const redis = await startRedis({ ports: 'auto', allowInstall: true, log });
    stops.push(redis.stop);
    if (redis.url === undefined) throw new Error('The benchmark needs a real Redis server: put one on the PATH.');
    return {
      temporalAddress: temporal.address,
      temporalNamespace: temporal.namespace,
      temporalVersion: temporal.serverVersion,
      postgresVersion: await withClient(postgres.url, versionOf),
      redisUrl: redis.url,
      createDatabase: (name) => createDatabase(postgres.url, name),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function createDatabase(serverUrl: string, name: string): Promise<string> {
  await withClient(serverUrl, (client) => client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`));
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  await migrate(url.toString());
  return url.toString();
}

async function versionOf(client: Client): Promise<string> {
  const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
  return rows[0]?.server_version ?? 'unknown';
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
