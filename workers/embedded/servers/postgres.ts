import { randomBytes } from 'node:crypto';
import { chown, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { waitFor } from '../../dependencies/poll';
import { assertPortFree, findFreePort } from './ports';
import { findPostgresBinaries, prepareDataDir, type Account, type PostgresBinaries } from './postgres-binaries';
import { runCommand, startProcess, type Log, type ManagedProcess } from './process';
import { isAlive } from '../provision';
import { startWatched } from './watch';
import { StartRefused } from '../../processes/start-refused';

export interface PostgresOptions {
  dataDir: string;
  port: number | 'auto';
  /**
   * true: data is kept between starts, durable and behind a generated password.
   * false: for tests; no fsync, no password, and the folder is removed at the end.
   */
  persistent: boolean;
  log: Log;
  /** Database that is created when missing. Default `holdfast`. */
  database?: string;
  /** If given, a server that ends by itself is restarted; called when restarting does not help. */
  onGivenUp?: (reason: string) => void;
}

export interface PostgresHandle {
  /** postgres:// URL of the database, credentials included. */
  url: string;
  stop(): Promise<void>;
}

const USER = 'holdfast';
const DEFAULT_DATABASE = 'holdfast';
/** After a crash, Postgres replays its log within seconds; initdb takes 1 to 3 s. */
const READY_LIMIT_MS = 30_000;
const INITDB_LIMIT_MS = 60_000;
const START_ATTEMPTS = 3;

/** Every test file has its own pools, and a fault harness restarts workers: the default of 100 connections runs out. */
const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=300',
  'timezone=UTC',
  'log_timezone=UTC',
  // Each test creates a database from a template, which must not wait for a slow checkpoint.
  'checkpoint_timeout=5min',
];
/** Durability is off: a crash would lose only the temporary folder of a test. */
const TEST_SETTINGS = [
  // For six test files at once; two of them may be tests that kill workers, with five or six worlds of 20 connections each.
  'max_connections=600',
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  'autovacuum_naptime=60s',
  'wal_level=minimal',
  'max_wal_senders=0',
];

/**
 * Starts the Postgres that npm brings, on the loopback address only, also when run by root (as an unprivileged user).
 * @throws PortInUseError when a fixed port is taken
 * @throws Error when it does not run here, or another Postgres uses the data folder
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresHandle> {
  if (options.port !== 'auto') await assertPortFree('Postgres', options.port);
  const binaries = await findPostgresBinaries(options.log);
  const dataDir = await prepareDataDir(options.dataDir, binaries.account, options.log);
  await initialise(binaries, dataDir, options);
  for (let attempt = 1; ; attempt++) {
    const port = options.port === 'auto' ? await findFreePort() : options.port;
    try {
      return await startServer(binaries, dataDir, port, options);
    } catch (error) {
      // Another program can take a free port between our check and the start.
      if (options.port !== 'auto' || attempt === START_ATTEMPTS) throw error;
    }
  }
}

/** Removes the data of an embedded Postgres (`--fresh`), wherever root had to keep it. */
export async function removePostgresData(dataDir: string, log: Log): Promise<void> {
  const { account } = await findPostgresBinaries(log);
  const folder = await prepareDataDir(dataDir, account, () => undefined);
  await removeStalePid(folder, log);
  await rm(folder, { recursive: true, force: true });
  await rm(dataDir, { recursive: true, force: true });
}

async function initialise(binaries: PostgresBinaries, dataDir: string, options: PostgresOptions): Promise<void> {
  if ((await readFile(join(dataDir, 'PG_VERSION'), 'utf8').catch(() => '')) !== '') return;
  // initdb needs an empty folder, and an interrupted initdb leaves a half-filled one.
  await rm(dataDir, { recursive: true, force: true });
  await prepareDataDir(options.dataDir, binaries.account, () => undefined);
  const args = ['--pgdata', dataDir, '--username', USER, '--encoding=UTF8', '--locale=C', '--no-instructions'];
  const passwordFile = `${options.dataDir}.password`;
  if (options.persistent) {
    await writeFile(passwordFile, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600 });
    const readable = await passwordFileFor(binaries.account, passwordFile, dataDir);
    args.push('--auth=scram-sha-256', '--pwfile', readable);
  } else args.push('--auth=trust', '--no-sync');
  const result = await runCommand(binaries.initdb, args, {
    timeoutMs: INITDB_LIMIT_MS,
    env: childEnv(),
    cwd: '/',
    ...(binaries.account === undefined ? {} : { account: binaries.account }),
  });
  if (options.persistent) await rm(`${dataDir}.initial`, { force: true });
  if (result.code !== 0) {
    await rm(dataDir, { recursive: true, force: true });
    throw new Error(`Postgres could not prepare its data folder ${dataDir}:\n${result.output}`);
  }
}

/** initdb runs as the unprivileged account, which must not be able to read our password file, so it gets a copy. */
async function passwordFileFor(account: Account | undefined, passwordFile: string, dataDir: string): Promise<string> {
  const copy = `${dataDir}.initial`;
  await writeFile(copy, await readFile(passwordFile), { mode: 0o600 });
  if (account !== undefined) await chown(copy, account.uid, account.gid);
  return copy;
}

async function startServer(
  binaries: PostgresBinaries,
  dataDir: string,
  port: number,
  options: PostgresOptions,
): Promise<PostgresHandle> {
  const settings = [...SETTINGS, ...(options.persistent ? [] : TEST_SETTINGS)];
  const password = options.persistent ? (await readFile(`${options.dataDir}.password`, 'utf8')).trim() : undefined;
  const database = options.database ?? DEFAULT_DATABASE;
  const { child } = await startWatched({
    name: 'Postgres',
    start: async () => {
      await removeStalePid(dataDir, options.log);
      return startProcess({
        name: 'Postgres',
        command: binaries.postgres,
        args: ['-D', dataDir, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
        cwd: '/',
        env: childEnv(),
        // "Fast" shutdown: ends sessions, writes a checkpoint. SIGTERM would wait for every client to leave.
        stopSignal: 'SIGINT',
        ...(binaries.account === undefined ? {} : { account: binaries.account }),
      });
    },
    ready: (server) => prepareDatabase(server, postgresUrl(port, 'postgres', password), database),
    log: options.log,
    onGivenUp: options.onGivenUp,
  });
  return {
    url: postgresUrl(port, database, password),
    stop: async () => {
      await child.stop();
      if (!options.persistent) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function prepareDatabase(server: ManagedProcess, adminUrl: string, database: string): Promise<void> {
  const client = await waitFor(
    'Postgres',
    READY_LIMIT_MS,
    async () => {
      const candidate = new Client({ connectionString: adminUrl, connectionTimeoutMillis: 2_000 });
      await candidate.connect();
      return candidate;
    },
    () => (server.exited() === undefined ? undefined : `it ended with ${server.exited()}:\n${server.recentOutput()}`),
  );
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
}

/**
 * Postgres ignores a pid file whose process is gone, but not one whose process id now belongs to another program, which is
 * the normal case after a container's restart.
 * @throws Error when a Postgres really uses this folder
 */
async function removeStalePid(dataDir: string, log: Log): Promise<void> {
  const path = join(dataDir, 'postmaster.pid');
  const pid = Number((await readFile(path, 'utf8').catch(() => '')).split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return;
  if (await isPostgresOf(pid, dataDir)) {
    throw new StartRefused(
      `Another Postgres (process ${pid}) uses the data folder ${dataDir}: stop it first (is a Holdfast still running there?).`,
    );
  }
  log('Postgres: removing a stale postmaster.pid, left by a Postgres that was killed');
  await rm(path, { force: true });
}

async function isPostgresOf(pid: number, dataDir: string): Promise<boolean> {
  const workingDir = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
  if (workingDir !== undefined) return workingDir === dataDir;
  const command = await runCommand('ps', ['-p', String(pid), '-o', 'command='], { timeoutMs: 5_000 });
  return command.output.includes('postgres');
}

/** PG* variables of the user's shell would redirect or reconfigure our own server. */
function childEnv(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH ?? '', LC_ALL: 'C', LC_MESSAGES: 'C', TZ: 'UTC' };
}

function postgresUrl(port: number, database: string, password: string | undefined): string {
  const credentials = password === undefined ? USER : `${USER}:${password}`;
  return `postgres://${credentials}@127.0.0.1:${port}/${database}`;
}
