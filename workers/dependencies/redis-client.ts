import { Redis } from 'ioredis';

/** Callers go on without a cache that takes longer. */
const COMMAND_LIMIT_MS = 1_000;

/** A Redis client. While the server is away, its commands fail, but the process goes on. */
export function connectRedis(url: string): Redis {
  return withoutErrors(new Redis(url, { commandTimeout: COMMAND_LIMIT_MS, maxRetriesPerRequest: 1 }));
}

/** Without an error listener a lost connection would end the process; callers see a failed command instead. */
export function withoutErrors(client: Redis): Redis {
  client.on('error', () => undefined);
  return client;
}
