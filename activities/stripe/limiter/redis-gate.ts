import { Redis } from 'ioredis';
import type { Answer, Ask, Gate } from './gate';
import type { ProviderRefusal, RequestLimits } from './limiter';
import { ASK_SCRIPT, REFUSED_SCRIPT } from './scripts';

type Command = (...args: (string | number)[]) => Promise<unknown>;

/** Command names that no other script of this process uses. */
const ASK = 'holdfastRequestsAsk';
const REFUSED = 'holdfastRequestsRefused';

export interface RedisGateOptions {
  /** One name for all processes that use the same account of the provider. */
  readonly scope: string;
  readonly limits: RequestLimits;
  /** Milliseconds. Default: the Redis server's clock. */
  readonly now?: () => number;
}

/**
 * The gate that all processes share. Redis may lose its data at any time; the gate then starts with one token.
 * @throws the errors of ioredis; Error if the answer is not the script's
 */
export function createRedisGate(redis: Redis, options: RedisGateOptions): Gate {
  // The in-process substitute's TIME moves in whole seconds, so this process's clock is used: nobody else shares the substitute.
  const { scope, limits, now = redis instanceof Redis ? undefined : Date.now } = options;
  redis.defineCommand(ASK, { numberOfKeys: 4, lua: ASK_SCRIPT });
  redis.defineCommand(REFUSED, { numberOfKeys: 2, lua: REFUSED_SCRIPT });
  const commands = redis as unknown as Record<string, Command>;
  const ask = commands[ASK]?.bind(redis) as Command;
  const refuse = commands[REFUSED]?.bind(redis) as Command;
  // The braces keep all keys of one account on one node of a cluster.
  const key = (name: string): string => `holdfast:limits:{${scope}}:${name}`;
  const time = (): string => (now === undefined ? '-' : String(now()));
  return {
    async ask(endpoint, asks) {
      const place = key(endpoint);
      const args = asks.flatMap(({ priority, ticket }) => [priority === 'interactive' ? 'i' : 'b', ticket]);
      const keys = [key('account'), place, `${place}:interactive`, `${place}:background`];
      return toAnswers(await ask(...keys, time(), limits.perSecond, limits.perEndpoint, ...args), asks);
    },
    async refused({ endpoint, scope: met, retryAfterMs = 0 }: ProviderRefusal) {
      const { perSecond, perEndpoint } = limits;
      await refuse(key('account'), key(endpoint), time(), perSecond, perEndpoint, met, retryAfterMs);
    },
  };
}

/** The script returns its numbers as text, because the in-process substitute does not return every Lua table as a list. */
function toAnswers(raw: unknown, asks: readonly Ask[]): Answer[] {
  const numbers = typeof raw === 'string' ? raw.split(' ').filter(Boolean).map(Number) : [];
  if (numbers.length !== asks.length * 2 || !numbers.every(Number.isFinite))
    throw new Error('the answer from Redis is not the rate limiter’s');
  return asks.map((_, index) => {
    const askAgainMs = numbers[index * 2] ?? 0;
    const dueMs = numbers[index * 2 + 1] ?? 0;
    return askAgainMs < 0 ? { kind: 'go' } : { kind: 'wait', askAgainMs, dueMs };
  });
}
