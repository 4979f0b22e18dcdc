import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import RedisMock from 'ioredis-mock';
import { connectRedis, withoutErrors } from '../../dependencies/redis-client';
import { waitFor } from '../../dependencies/poll';
import { assertPortFree, findFreePort, FIXED_PORTS, type PortMode } from './ports';
import { startProcess, type Log, type ManagedProcess } from './process';
import { findRedisServer, installRedisServer } from './redis-source';
import { startWatched } from './watch';

export interface RedisOptions {
  ports: PortMode;
  /** May a missing server be installed (tests, CI)? If not, the stand-in is used. */
  allowInstall: boolean;
  log: Log;
  /** REDIS_URL: if set, nothing is started. */
  configuredUrl?: string;
  /** If given, a server that ends by itself is restarted; called when restarting does not help. */
  onGivenUp?: (reason: string) => void;
}

export interface RedisHandle {
  /** Absent for the stand-in, which has no address. */
  url?: string;
  kind: 'server' | 'stand-in';
  stop(): Promise<void>;
}

const READY_LIMIT_MS = 10_000;
/** Redis may not grow without limit; losing an evicted key costs only speed. */
const MAX_MEMORY = '128mb';

/**
 * Starts Redis: the configured one, a redis-server or valkey-server on PATH or in the cache, or the in-process stand-in.
 * It keeps nothing on disk: Redis holds only what may be lost.
 * @throws PortInUseError when the fixed port is taken
 * @throws Error when a server may be installed but cannot be
 */
export async function startRedis(options: RedisOptions): Promise<RedisHandle> {
  if (options.configuredUrl !== undefined)
    return { url: options.configuredUrl, kind: 'server', stop: async () => undefined };
  const binary =
    (await findRedisServer()) ?? (options.allowInstall ? await installRedisServer(options.log) : undefined);
  if (binary === undefined) {
    options.log(
      'Redis: an in-process stand-in (no redis-server or valkey-server on the PATH; set REDIS_URL to use one)',
    );
    return { kind: 'stand-in', stop: async () => undefined };
  }
  if (options.ports === 'fixed') await assertPortFree('Redis', FIXED_PORTS.redis);
  const port = options.ports === 'fixed' ? FIXED_PORTS.redis : await findFreePort();
  return startServer(binary, port, options);
}

async function startServer(binary: string, port: number, { log, onGivenUp }: RedisOptions): Promise<RedisHandle> {
  const runDir = await mkdtemp(join(tmpdir(), 'holdfast-redis-'));
  const settings = {
    bind: '127.0.0.1',
    port: String(port),
    save: '',
    appendonly: 'no',
    dir: runDir,
    maxmemory: MAX_MEMORY,
    'maxmemory-policy': 'allkeys-lru',
  };
  const url = `redis://127.0.0.1:${port}`;
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const removeRunDir = (): Promise<void> => rm(runDir, { recursive: true, force: true });
  try {
    const { child } = await startWatched({
      name: 'Redis',
      start: () => startProcess({ name: 'Redis', command: binary, args, cwd: runDir }),
      ready: (server) => waitUntilReady(url, server),
      log,
      onGivenUp,
    });
    return {
      url,
      kind: 'server',
      stop: async () => {
        await child.stop();
        await removeRunDir();
      },
    };
  } catch (error) {
    await removeRunDir();
    throw error;
  }
}

async function waitUntilReady(url: string, server: ManagedProcess): Promise<void> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
  // ioredis also emits refused connections as events, which would be uncaught; the wait below reports them.
  client.on('error', () => undefined);
  try {
    await waitFor(
      'Redis',
      READY_LIMIT_MS,
      async () => {
        if (client.status !== 'ready') await client.connect();
        // Another server on a port that looked free would also answer, so we compare the process id.
        const pid = /process_id:(\d+)/.exec(await client.info('server'))?.[1];
        return pid === String(server.pid) ? true : undefined;
      },
      () => (server.exited() === undefined ? undefined : `it ended with ${server.exited()}:\n${server.recentOutput()}`),
    );
  } finally {
    client.disconnect();
  }
}

/**
 * A client of the server or of the stand-in. The stand-in runs the same commands and Lua scripts (`defineCommand`) in this process;
 * all its clients share one store, as with a server. Its scripts know only `redis.call` and `redis.pcall`, so a script reports
 * a refusal by its return value, not by `redis.error_reply`. The oldest server in use is 6.2.
 */
export function createRedisClient(target: { url: string } | { standIn: true }): Redis {
  return 'url' in target ? connectRedis(target.url) : withoutErrors(new RedisMock());
}
