import { Redis } from 'ioredis';

/** A cache that answers late is worse than none: callers go on without it. */
const COMMAND_LIMIT_MS = 1_000;

/** A client of a Redis server, which may be away: its commands fail then, and nothing else does. */
export function connectRedis(url: string): Redis {
  return withoutErrors(new Redis(url, { commandTimeout: COMMAND_LIMIT_MS, maxRetriesPerRequest: 1 }));
}

/** Without a listener a lost connection would end the process; callers see it as a failed command. */
export function withoutErrors(client: Redis): Redis {
  client.on('error', () => undefined);
  return client;
}
