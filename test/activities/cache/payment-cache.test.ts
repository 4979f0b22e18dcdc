import { createServer, type AddressInfo, type Socket } from 'node:net';
import Redis from 'ioredis';
import RedisMock from 'ioredis-mock';
import { createPaymentCache } from '../../../activities/cache';
import { accountScope } from '../../../activities/stripe';
import { testEnvironment, uniqueName } from '../../support/environment';

const servers: Record<string, () => Redis> = {
  'a real Redis': () => new Redis(testEnvironment().redisUrl, { keyPrefix: `${uniqueName('cache')}:` }),
  'the in-process stand-in': () => new RedisMock({ keyPrefix: `${uniqueName('cache')}:` }),
};

describe.each(Object.entries(servers))('the payment cache on %s', (_name, connect) => {
  let redis: Redis;
  const failures: string[] = [];
  beforeEach(() => {
    failures.length = 0;
    redis = connect();
  });
  afterEach(() => redis.quit());
  const cache = () => createPaymentCache(redis, { scope: 'test-1', onFailure: (command) => failures.push(command) });

  it('keeps customers and methods for a while, not for ever', async () => {
    await cache().keepCustomer('cust_1', 'cus_1');
    await cache().keepPaymentMethod('pm_1', { stripeCustomerId: 'cus_1', brand: 'visa' });
    expect(await cache().customer('cust_1')).toBe('cus_1');
    expect(await cache().paymentMethod('pm_1')).toEqual({ stripeCustomerId: 'cus_1', brand: 'visa' });
    expect(await redis.ttl('holdfast:payments:test-1:customer:cust_1')).toBeGreaterThan(29 * 24 * 3600);
    const methodTtlS = await redis.ttl('holdfast:payments:test-1:method:pm_1');
    expect(methodTtlS).toBeGreaterThan(23 * 3600);
    expect(methodTtlS).toBeLessThanOrEqual(24 * 3600);
  });

  it('forgets what proved to be wrong', async () => {
    await cache().keepCustomer('cust_1', 'cus_1');
    await cache().keepPaymentMethod('pm_1', { stripeCustomerId: 'cus_1' });
    await cache().forgetCustomer('cust_1');
    await cache().forgetPaymentMethod('pm_1');
    expect(await cache().customer('cust_1')).toBeUndefined();
    expect(await cache().paymentMethod('pm_1')).toBeUndefined();
  });

  it('keeps the references of each account and mode apart', async () => {
    await cache().keepCustomer('cust_1', 'cus_1');
    const keys = [
      { secretKey: 'sk_test_a' },
      { secretKey: 'sk_live_a' },
      { secretKey: 'sk_test_a', apiUrl: 'http://127.0.0.1:4010' },
    ];
    for (const scope of keys.map(accountScope)) {
      expect(scope).not.toContain('sk_');
      expect(await createPaymentCache(redis, { scope }).customer('cust_1')).toBeUndefined();
    }
    expect(new Set(keys.map(accountScope)).size).toBe(3);
  });

  it('knows nothing of strangers', async () => {
    expect(await cache().customer('nobody')).toBeUndefined();
    expect(await cache().paymentMethod('nothing')).toBeUndefined();
    expect(failures).toEqual([]);
  });

  it.each(['{', '[]', '7', 'null', '{"brand":7}', '{"number":"4242"}'])(
    'takes %s under a key for a miss',
    async (text) => {
      await redis.set('holdfast:payments:test-1:method:pm_1', text);
      expect(await cache().paymentMethod('pm_1')).toBeUndefined();
    },
  );

  it('treats a value of another type as a miss', async () => {
    await redis.lpush('holdfast:payments:test-1:customer:cust_1', 'x');
    expect(await cache().customer('cust_1')).toBeUndefined();
  });
});

it('misses while the server is down, and reports it', async () => {
  const redis = new Redis(testEnvironment().redisUrl);
  const failures: string[] = [];
  const cache = createPaymentCache(redis, { scope: 'test-1', onFailure: (command) => failures.push(command) });
  redis.disconnect();
  await cache.keepCustomer('cust_1', 'cus_1');
  expect(await cache.customer('cust_1')).toBeUndefined();
  expect(failures).toEqual(['set', 'get']);
});

it('does not wait for a server that accepts connections and never answers', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const silent = new Redis({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  const failures: string[] = [];
  const cache = createPaymentCache(silent, {
    scope: 'test-1',
    timeoutMs: 20,
    onFailure: (_command, error) => failures.push(String(error)),
  });
  expect(await cache.customer('cust_1')).toBeUndefined();
  expect(failures).toEqual(['Error: no answer within 20 ms']);
  silent.disconnect();
  for (const socket of sockets) socket.destroy();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});
