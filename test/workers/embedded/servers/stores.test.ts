import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { Client } from 'pg';
import { parseConfig } from '../../../../workers/config/config';
import { openDataFolder } from '../../../../workers/embedded/servers/data-folder';
import { findFreePort } from '../../../../workers/embedded/servers/ports';
import { startPostgres } from '../../../../workers/embedded/servers/postgres';
import { createRedisClient, startRedis } from '../../../../workers/embedded/servers/redis';
import { startEmbeddedStack } from '../../../../workers/embedded/stack';
import { createDatabase, testEnvironment } from '../../../support/environment';
import { StartRefused } from '../../../../workers/processes/start-refused';

jest.setTimeout(60_000);
const silent = (): void => undefined;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  // Under root, Postgres runs as another user, who must get in.
  await chmod(folder, 0o755);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('Postgres keeps its data between starts, behind its password, after a stale pid file too', async () => {
  const options = { dataDir: join(folder, 'postgres'), port: 'auto', persistent: true } as const;
  const first = await startPostgres({ ...options, log: silent });
  await query(first.url, 'CREATE TABLE kept (id int)');
  const guessed = new URL(first.url);
  guessed.password = 'guessed';
  await expect(query(guessed.toString(), 'SELECT 1')).rejects.toThrow('password');
  await expect(startPostgres({ ...options, log: silent })).rejects.toThrow(/Another Postgres \(process \d+\)/);
  await first.stop();

  // A stranger now has the process id that the file names: ours.
  await writeFile(join(options.dataDir, 'postmaster.pid'), `${process.pid}\n`);
  const said: string[] = [];
  const second = await startPostgres({ ...options, log: (line) => said.push(line) });
  expect(await query(second.url, 'SELECT count(*)::int AS n FROM kept')).toEqual([{ n: 0 }]);
  expect(said.join()).toContain('stale');
  await second.stop();
});

test('Postgres on a used port names the port', async () => {
  const port = await findFreePort();
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  const starting = startPostgres({ dataDir: join(folder, 'other'), port, persistent: false, log: silent });
  await expect(starting).rejects.toThrow(`Port ${port} (Postgres)`);
  server.close();
});

test('each test gets a database of its own', async () => {
  const [one, two] = await Promise.all([createDatabase(), createDatabase()]);
  await query(one.url, 'CREATE TABLE only_here (id int)');
  expect(await query(two.url, "SELECT to_regclass('only_here') AS found")).toEqual([{ found: null }]);
  await Promise.all([one.drop(), two.drop()]);
});

interface WithScript extends Redis {
  addWithLimit(key: string, amount: number, limit: number): Promise<number>;
}

test.each(['server', 'stand-in'] as const)('Redis as %s runs commands and scripts', async (kind) => {
  const client = createRedisClient(kind === 'server' ? { url: testEnvironment().redisUrl } : { standIn: true });
  client.defineCommand('addWithLimit', {
    numberOfKeys: 1,
    lua: `local n = redis.call('INCRBY', KEYS[1], ARGV[1])
          redis.call('PEXPIRE', KEYS[1], 60000)
          if n > tonumber(ARGV[2]) then return -1 end
          return n`,
  });
  const scripted = client as WithScript;
  const key = `test:${folder}:${kind}`;
  expect(await scripted.addWithLimit(key, 2, 3)).toBe(2);
  expect(await scripted.addWithLimit(key, 2, 3)).toBe(-1);
  expect(await client.set(`${key}:once`, '1', 'PX', 60_000, 'NX')).toBe('OK');
  expect(await client.set(`${key}:once`, '1', 'PX', 60_000, 'NX')).toBeNull();
  client.disconnect();
});

test('a configured Redis is used as it is', async () => {
  const { redisUrl } = testEnvironment();
  const redis = await startRedis({ ports: 'auto', allowInstall: false, log: silent, configuredUrl: redisUrl });
  expect(redis).toMatchObject({ kind: 'server', url: redisUrl });
});

test('the data folder keeps its secrets for its owner only, until a fresh start, and serves one process', async () => {
  const path = join(folder, 'data');
  const first = await openDataFolder(path, false, silent);
  expect((await stat(join(path, 'secrets.json'))).mode & 0o777).toBe(0o600);
  const again = openDataFolder(path, false, silent);
  await expect(again).rejects.toThrow(`in use by process ${process.pid}`);
  await expect(again).rejects.toBeInstanceOf(StartRefused);
  await first.release();
  const second = await openDataFolder(path, false, silent);
  expect(second.secrets).toEqual(first.secrets);
  await second.release();
  const third = await openDataFolder(path, true, silent);
  expect(third.secrets).not.toEqual(first.secrets);
  await third.release();
});

test('the stack embeds what is not configured, fills the configuration and ends within 10 s', async () => {
  const config = parseConfig({});
  const said: string[] = [];
  const options = { ports: 'auto', fresh: false, dataDir: join(folder, 'stack') } as const;
  const stack = await startEmbeddedStack({ config, options, log: (line) => said.push(line) });
  expect(await query(stack.config.databaseUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  expect(stack.config.temporal.connection.address).toBe(stack.temporal.address);
  expect(stack.config.apiKeys).toHaveLength(1);
  expect(stack.config.encryptionKeys[0]?.key).toHaveLength(32);
  expect(said.join('\n')).toMatch(/Temporal: embedded/);
  expect(said.join('\n')).toMatch(/Postgres: embedded/);
  expect(said.join('\n')).toMatch(/Redis: /);
  expect(said.join('\n')).toMatch(/Stripe: simulator/);
  expect(stack.config.stripe.apiUrl).toBe(stack.stripeSimulator?.url);
  expect(said.join('\n')).not.toContain(new URL(stack.config.databaseUrl).password);
  const stopping = Date.now();
  await stack.stop();
  expect(Date.now() - stopping).toBeLessThan(10_000);
  await expect(query(stack.config.databaseUrl, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
});
