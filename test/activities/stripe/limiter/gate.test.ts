import Redis from 'ioredis';
import RedisMock from 'ioredis-mock';
import {
  BACKGROUND_SHARE,
  BURST_S,
  LEAD_MS,
  MemoryGate,
  RECOVERY_MS,
  type Answer,
  type Ask,
} from '../../../../activities/stripe/limiter/gate';
import { createRedisGate } from '../../../../activities/stripe/limiter/redis-gate';
import type { ProviderRefusal, RequestPriority } from '../../../../activities/stripe/limiter';
import { testEnvironment, uniqueName } from '../../../support/environment';
import { check, fc } from '../../../support/property';

const LIMITS = { perSecond: 100, perEndpoint: 25 };
const START_MS = 1_700_000_000_000;
const CREATE = 'payment_intents.create';
const CANCEL = 'payment_intents.cancel';

let tickets = 0;
const ask = (priority: RequestPriority, ticket = `t${(tickets += 1)}`): Ask => ({ priority, ticket });
const many = (count: number, priority: RequestPriority): Ask[] => Array.from({ length: count }, () => ask(priority));
const gone = (answers: readonly Answer[]): number => answers.filter(({ kind }) => kind === 'go').length;

/** What a provider with a bucket of one second's worth would refuse of requests sent at these times. */
function refusedBy(perSecond: number, timesMs: readonly number[]): number {
  let tokens = perSecond;
  let refused = 0;
  timesMs.forEach((atMs, index) => {
    const sinceMs = atMs - (timesMs[index - 1] ?? atMs);
    tokens = Math.min(perSecond, tokens + (sinceMs / 1000) * perSecond);
    if (tokens < 1) refused += 1;
    else tokens -= 1;
  });
  return refused;
}

describe('the gate', () => {
  it('begins with one request, not with a burst', () => {
    const gate = new MemoryGate(LIMITS);
    expect(gone(gate.ask(CREATE, many(50, 'interactive'), START_MS))).toBe(1);
    expect(gone(gate.ask(CREATE, many(50, 'interactive'), START_MS + 1000 / 25))).toBe(1);
  });

  it('lets a pause be followed by less than what the provider’s own bucket holds', () => {
    const gate = new MemoryGate(LIMITS);
    gate.ask(CREATE, many(1, 'interactive'), START_MS);
    expect(gone(gate.ask(CREATE, many(50, 'interactive'), START_MS + 60_000))).toBe(Math.floor(25 * BURST_S));
  });

  it('keeps the account’s limit over many endpoints', () => {
    const gate = new MemoryGate({ perSecond: 40, perEndpoint: 25 });
    let count = 0;
    for (let ms = 0; ms < 10_000; ms += 5) {
      for (const endpoint of ['a.list', 'b.list', 'c.list'])
        count += gone(gate.ask(endpoint, many(1, 'interactive'), START_MS + ms));
    }
    expect(count).toBeGreaterThan(0.97 * 400);
    expect(count).toBeLessThanOrEqual(400 + 1);
  });

  it('keeps a place from try to try, and calls back in time', () => {
    const gate = new MemoryGate(LIMITS);
    const line = many(500, 'interactive');
    const first = gate.ask(CREATE, line, START_MS);
    const last = first.at(-1);
    // 499 before it, of which one went at once.
    expect(last).toMatchObject({ kind: 'wait', dueMs: 498 * 40, askAgainMs: 498 * 40 - LEAD_MS.interactive });
    const again = gate.ask(CREATE, line.slice(-1), START_MS + 30);
    expect(again).toMatchObject([{ kind: 'wait', dueMs: 498 * 40 - 30 }]);
    expect(gate.ask(CREATE, [ask('interactive')], START_MS + 30)).toMatchObject([{ dueMs: 499 * 40 - 30 }]);
  });

  it('lets a new request through rather than waste a turn whose request is absent', () => {
    const gate = new MemoryGate(LIMITS);
    gate.ask(CREATE, many(500, 'interactive'), START_MS);
    expect(gone(gate.ask(CREATE, [ask('interactive')], START_MS + 2_500))).toBe(1);
  });

  it('keeps tokens ready for a customer while background work uses all it can', () => {
    const gate = new MemoryGate(LIMITS);
    let background = 0;
    for (let ms = 0; ms < 60_000; ms += 10) background += gone(gate.ask(CANCEL, many(3, 'background'), START_MS + ms));
    expect(background).toBeGreaterThan(0.97 * 25 * 60);
    expect(gone(gate.ask(CANCEL, many(10, 'interactive'), START_MS + 60_000))).toBeGreaterThanOrEqual(5);
  });

  it('gives background work its share, and no more, while customers wait in line', () => {
    const gate = new MemoryGate(LIMITS);
    const count = { interactive: 0, background: 0 };
    const customers = many(200, 'interactive');
    const others = many(200, 'background');
    for (let ms = 0; ms < 60_000; ms += 10) {
      // Whoever goes is followed by another, so that there is always somebody in line.
      for (const [line, priority] of [[others, 'background'] as const, [customers, 'interactive'] as const]) {
        const at = line.slice(0, 20);
        gate.ask(CREATE, at, START_MS + ms).forEach((answer, index) => {
          if (answer.kind !== 'go') return;
          count[priority] += 1;
          line.splice(line.indexOf(at[index] as Ask), 1);
          line.push(ask(priority));
        });
      }
    }
    const all = count.interactive + count.background;
    expect(all).toBeGreaterThan(0.98 * 25 * 60);
    expect(count.background / all).toBeGreaterThan(BACKGROUND_SHARE * 0.9);
    expect(count.background / all).toBeLessThan(BACKGROUND_SHARE * 1.1);
  });

  it('calls background work back when the customers’ line is through, and sends to the end what came too early', () => {
    const gate = new MemoryGate(LIMITS);
    let customers = many(250, 'interactive');
    gate.ask(CREATE, customers, START_MS);
    const early = many(30, 'background');
    const [first, ...others] = gate.ask(CREATE, early, START_MS);
    // The customers are through in 10 s: until then a tenth of what they have, one in 400 ms.
    expect(first).toEqual({ kind: 'go' });
    expect(others.at(-1)).toMatchObject({ dueMs: 25 * 400 + 3 * 40 });
    customers = [...customers, ...many(250, 'interactive')];
    for (let ms = 1_000; ms < 12_500; ms += 20) {
      const answers = gate.ask(CREATE, customers, START_MS + ms);
      customers = customers.filter((_, index) => answers[index]?.kind === 'wait');
    }
    // More customers came meanwhile and used the tokens. One request gets the unused share; the others get new places.
    const back = gate.ask(CREATE, early.slice(-3), START_MS + 12_500);
    expect(back).toMatchObject([{ kind: 'go' }, { dueMs: 0 }, { dueMs: 400 }]);
  });

  it('goes at half its pace after a 429, and back to the whole of it', () => {
    const gate = new MemoryGate(LIMITS);
    const during = (fromMs: number, forMs: number): number => {
      let count = 0;
      for (let ms = 0; ms < forMs; ms += 10) count += gone(gate.ask(CREATE, many(2, 'interactive'), fromMs + ms));
      return count;
    };
    during(START_MS, 5_000);
    const refusal: ProviderRefusal = { endpoint: CREATE, scope: 'endpoint', retryAfterMs: undefined };
    // Those that were under way together are one reason to slow down.
    for (let ms = 0; ms < 5; ms += 1) gate.refused(refusal, START_MS + 5_000 + ms);
    expect(during(START_MS + 5_005, 1_000)).toBeLessThanOrEqual(0.6 * 25);
    expect(during(START_MS + 5_000 + RECOVERY_MS, 4_000)).toBeGreaterThanOrEqual(99);
  });

  it('waits as long as the provider asks for', () => {
    const gate = new MemoryGate(LIMITS);
    gate.refused({ endpoint: CREATE, scope: 'unknown', retryAfterMs: 3_000 }, START_MS);
    for (const endpoint of [CREATE, CANCEL]) {
      const asks = [ask('interactive'), ask('background')];
      expect(gate.ask(endpoint, asks, START_MS + 2_999)).toMatchObject([{ kind: 'wait' }, { kind: 'wait' }]);
    }
    expect(gone(gate.ask(CANCEL, [ask('interactive')], START_MS + 4_000))).toBe(1);
  });

  it('never sends what the provider would refuse', () =>
    check(
      'requests against the provider’s own buckets',
      fc.property(
        fc.integer({ min: 5, max: 60 }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.record({ stepMs: fc.integer({ min: 0, max: 40 }), isBackground: fc.boolean() }), {
          minLength: 150,
          maxLength: 150,
        }),
        (perEndpoint, factor, steps) => {
          const perSecond = perEndpoint * factor;
          const gate = new MemoryGate({ perSecond, perEndpoint });
          const endpoints = Array.from({ length: factor + 1 }, (_, index) => `e${index}.list`);
          const sent = new Map(endpoints.map((name) => [name, [] as number[]]));
          const all: number[] = [];
          let nowMs = START_MS;
          for (const { stepMs, isBackground } of steps) {
            nowMs += stepMs;
            for (const endpoint of endpoints) {
              const asks = [...many(3, isBackground ? 'background' : 'interactive')];
              const count = gone(gate.ask(endpoint, asks, nowMs));
              for (let one = 0; one < count; one += 1) {
                sent.get(endpoint)?.push(nowMs);
                all.push(nowMs);
              }
            }
          }
          expect(refusedBy(perSecond, all)).toBe(0);
          for (const times of sent.values()) expect(refusedBy(perEndpoint, times)).toBe(0);
        },
      ),
      { numRuns: 100 },
    ));
});

describe.each(['a Redis server', 'the stand-in'])('the gate on %s', (kind) => {
  let redis: Redis;

  beforeAll(() => {
    const keyPrefix = `${uniqueName('limits')}:`;
    redis =
      kind === 'the stand-in' ? new RedisMock({ keyPrefix }) : new Redis(testEnvironment().redisUrl, { keyPrefix });
  });

  afterAll(() => redis.disconnect());

  it('decides what the pure one decides', async () => {
    const step = fc.record({
      stepMs: fc.oneof(fc.integer({ min: 0, max: 120 }), fc.constantFrom(0, 1_000, 15_000, 700_000)),
      endpoint: fc.constantFrom(CREATE, CANCEL),
      asks: fc.array(
        fc.record({
          priority: fc.constantFrom<RequestPriority>('interactive', 'background'),
          ticket: fc.integer({ min: 1, max: 60 }).map((number) => `t${number}`),
        }),
        { maxLength: 12 },
      ),
      refusal: fc.option(
        fc.record({
          scope: fc.constantFrom<ProviderRefusal['scope']>('account', 'endpoint', 'unknown'),
          retryAfterMs: fc.constantFrom(undefined, 0, 2_000, 90_000),
        }),
        { freq: 12 },
      ),
    });
    let runs = 0;
    await check(
      `the script on ${kind} beside the pure gate`,
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        let nowMs = START_MS;
        const limits = { perSecond: 40, perEndpoint: 25 };
        const pure = new MemoryGate(limits);
        const shared = createRedisGate(redis, { scope: `run-${(runs += 1)}`, limits, now: () => nowMs });
        for (const { stepMs, endpoint, asks, refusal } of steps) {
          nowMs += stepMs;
          if (refusal !== null) {
            pure.refused({ endpoint, ...refusal }, nowMs);
            await shared.refused({ endpoint, ...refusal });
          }
          expect(await shared.ask(endpoint, asks)).toEqual(pure.ask(endpoint, asks, nowMs));
        }
      }),
      { numRuns: kind === 'the stand-in' ? 10 : 60 },
    );
  });

  it('goes by the server’s clock where it is given none', async () => {
    const gate = createRedisGate(redis, { scope: 'clock', limits: LIMITS });
    const answers = await gate.ask(CREATE, many(3, 'interactive'));
    expect(answers).toMatchObject([{ kind: 'go' }, { kind: 'wait' }, { kind: 'wait' }]);
  });

  it('begins anew with one request where all was forgotten', async () => {
    const gate = createRedisGate(redis, { scope: 'forgotten', limits: LIMITS, now: () => START_MS });
    await gate.ask(CREATE, many(100, 'interactive'));
    const keys = await redis.keys(`${redis.options.keyPrefix ?? ''}*forgotten*`);
    expect(keys.length).toBeGreaterThan(0);
    await redis.del(keys.map((key) => key.slice((redis.options.keyPrefix ?? '').length)));
    expect(gone(await gate.ask(CREATE, many(100, 'interactive')))).toBe(1);
  });
});
