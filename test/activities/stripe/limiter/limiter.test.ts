import { ApplicationFailureCategory } from '@temporalio/common';
import Redis from 'ioredis';
import { createPaymentCache } from '../../../../activities/cache';
import {
  createPaymentActivities,
  createStripeLimiter,
  LimiterBusy,
  paymentContext,
} from '../../../../activities/stripe';
import { createRedisGate } from '../../../../activities/stripe/limiter/redis-gate';
import type { Answer, Ask } from '../../../../activities/stripe/limiter/gate';
import type { RequestLimiter, RequestPriority, StripeLimiterOptions } from '../../../../activities/stripe/limiter';
import { failureTypes } from '../../../../workflows/domain/shared/errors';
import { testEnvironment, uniqueName } from '../../../support/environment';
import { eventually } from '../../../support/time/eventually';
import { openTcpGate } from '../../../workers/relays/tcp-gate';
import { attempt, failureOf, startHarness, type Harness } from '../harness';

const CREATE = 'payment_intents.create';
const LIMITS = { perSecond: 100, perEndpoint: 25 };
/** Longer than any line here. */
const PATIENT_MS = 30_000;

const clients: Redis[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

function connect(keyPrefix: string, url = testEnvironment().redisUrl): Redis {
  const client = new Redis(url, { keyPrefix, commandTimeout: 1_000, maxRetriesPerRequest: 1 });
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}

function limiterOn(redis: Redis, changes: Partial<StripeLimiterOptions> = {}): RequestLimiter {
  return createStripeLimiter(redis, { scope: 'test', limits: LIMITS, localShare: 0.25, ...changes });
}

let tickets = 0;
const turn = (priority: RequestPriority, maxWaitMs = PATIENT_MS, endpoint = CREATE) => ({
  endpoint,
  priority,
  ticket: `t${(tickets += 1)}`,
  maxWaitMs,
});

async function busy(acquired: Promise<void>): Promise<LimiterBusy> {
  const error = await acquired.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof LimiterBusy)) throw new Error(`Expected to be sent away, got ${String(error)}`);
  return error;
}

describe('processes that share one limit', () => {
  it('keep it together, in one line', async () => {
    const prefix = `${uniqueName('limits')}:`;
    let nowMs = 1_700_000_000_000;
    const gates = [1, 2, 3].map(() =>
      createRedisGate(connect(prefix), { scope: 'test', limits: LIMITS, now: () => nowMs }),
    );
    const waiting: Ask[][] = gates.map(() =>
      Array.from({ length: 100 }, () => ({ priority: 'interactive', ticket: `t${(tickets += 1)}` })),
    );
    const sent: number[] = [0, 0, 0];
    for (; nowMs < 1_700_000_008_000; nowMs += 40) {
      for (const [index, gate] of gates.entries()) {
        const asks = waiting[index] ?? [];
        const answers: readonly Answer[] = await gate.ask(CREATE, asks);
        const left = asks.filter((_, position) => answers[position]?.kind !== 'go');
        sent[index] = (sent[index] ?? 0) + asks.length - left.length;
        waiting[index] = left;
      }
    }
    // One at the start, then one in 40 ms.
    expect(sent.reduce((sum, count) => sum + count, 0)).toBe(200);
    expect(waiting.flat()).toHaveLength(100);
  });

  it('never meet a 429 from a cold start', async () => {
    const harness = await startHarness();
    try {
      const { faults } = harness.simulator;
      faults.setRateLimit({ perSecond: 60, perEndpoint: { perSecond: 40 } });
      const prefix = `${uniqueName('limits')}:`;
      const limits = { perSecond: 60, perEndpoint: 40 };
      const { stripe } = harness;
      const send = async (limiter: RequestLimiter, index: number): Promise<void> => {
        const isList = index % 3 === 0;
        await limiter.acquire(turn('interactive', PATIENT_MS, isList ? 'customers.list' : 'events.list'));
        await (isList ? stripe.customers.list() : stripe.events.list());
      };
      const all = [1, 2].flatMap(() => {
        const limiter = limiterOn(connect(prefix), { limits });
        return Array.from({ length: 60 }, (_, index) => send(limiter, index));
      });
      await Promise.all(all);
      expect(faults.rateLimitTally).toEqual({ allowed: 120, refused: 0 });
    } finally {
      await harness.stop();
    }
  });
});

describe('a line', () => {
  it('lets customers go before background work, which still gets its turn', async () => {
    const limiter = limiterOn(connect(`${uniqueName('limits')}:`));
    const order: RequestPriority[] = [];
    const go = async (priority: RequestPriority): Promise<void> => {
      await limiter.acquire(turn(priority));
      order.push(priority);
    };
    const twenty = (priority: RequestPriority) => Array.from({ length: 20 }, () => go(priority));
    await Promise.all([...twenty('background'), ...twenty('interactive')]);
    const lastCustomer = order.lastIndexOf('interactive');
    const before = order.slice(0, lastCustomer).filter((priority) => priority === 'background').length;
    // The one that came before any customer, and a tenth of what went out until then.
    expect(before).toBeGreaterThanOrEqual(1);
    expect(before).toBeLessThanOrEqual(1 + Math.ceil(lastCustomer / 10) + 1);
  });

  it('sends those away whose turn comes too late for them, and keeps their place', async () => {
    const redis = connect(`${uniqueName('limits')}:`);
    const limiter = limiterOn(redis);
    const impatient = Array.from({ length: 250 }, () => turn('interactive', 0));
    const answers = await Promise.all(
      impatient.map((one) =>
        limiter.acquire(one).then(
          () => null,
          (error: unknown) => error,
        ),
      ),
    );
    const away = answers.filter((answer) => answer instanceof LimiterBusy);
    expect(away.length).toBeGreaterThanOrEqual(248);
    const askedAtMs = performance.now();
    const last = await busy(limiter.acquire({ ...(impatient.at(-1) ?? turn('interactive')), maxWaitMs: 0 }));
    const newcomer = await busy(limiter.acquire(turn('interactive', 0)));
    // The line moves while the second one asks.
    const passedMs = performance.now() - askedAtMs;
    // 250 at 25/s are ten seconds, less the two by which they are called early.
    expect(last.retryAfterMs).toBeGreaterThan(6_000);
    expect(last.retryAfterMs).toBeLessThan(8_000);
    expect(newcomer.retryAfterMs + passedMs).toBeGreaterThan(last.retryAfterMs);
  });

  it('pauses after a 429 for as long as the provider says, for all who share the limiter', async () => {
    const prefix = `${uniqueName('limits')}:`;
    const one = limiterOn(connect(prefix));
    const other = limiterOn(connect(prefix));
    one.refused({ endpoint: CREATE, scope: 'account', retryAfterMs: 20_000 });
    const away = await eventually('the other one knows', async () => {
      const answer = await other.acquire(turn('interactive', 0)).catch((error: unknown) => error);
      return answer instanceof LimiterBusy ? answer : undefined;
    });
    expect(away.retryAfterMs).toBeGreaterThan(15_000);
    await busy(other.acquire(turn('background', 0, 'refunds.list')));
  });
});

it('goes on alone, with its own share, while Redis is away, and shares again when it is back', async () => {
  const { host } = new URL(testEnvironment().redisUrl);
  const door = await openTcpGate(host);
  try {
    const redis = connect(`${uniqueName('limits')}:`, `redis://${door.address}`);
    const changes: string[] = [];
    const limiter = limiterOn(redis, { onChange: (change) => changes.push(change) });
    await limiter.acquire(turn('interactive'));
    door.shut();
    // Each is answered: none is refused or delayed because Redis is down.
    for (let count = 0; count < 5; count += 1) await limiter.acquire(turn('interactive'));
    expect(changes).toEqual(['lost']);
    // A quarter of 25/s: the 30th in line is called after some 30 * 4 / 25 s.
    const lines = await Promise.all(
      Array.from({ length: 40 }, () =>
        limiter.acquire(turn('interactive', 0)).then(
          () => 0,
          (error: unknown) => (error as LimiterBusy).retryAfterMs,
        ),
      ),
    );
    expect(Math.max(...lines)).toBeGreaterThan(3_000);
    door.open();
    await eventually('Redis is used again', async () => {
      await limiter.acquire(turn('interactive'));
      return changes.includes('back');
    });
    expect(changes).toEqual(['lost', 'back']);
  } finally {
    await door.close();
  }
});

describe('an activity in line', () => {
  let harness: Harness;

  beforeEach(async () => {
    harness = await startHarness();
  });

  afterEach(() => harness.stop());

  function paymentsBehind(limiter: RequestLimiter) {
    const { stripe, store, redis } = harness;
    return createPaymentActivities(
      paymentContext({ stripe, store, cache: createPaymentCache(redis, { scope: 'test' }), limiter }),
    );
  }

  it('ends in a failure that is tried again when it is called, with nothing sent', async () => {
    const limiter = limiterOn(harness.redis);
    const line = Array.from({ length: 1_000 }, () =>
      limiter.acquire(turn('interactive', 0, 'customers.list')).catch(() => undefined),
    );
    await Promise.all(line);
    const sent = harness.simulator.state.requests().length;
    const failure = await failureOf(paymentsBehind(limiter).authorizePayment(attempt()));
    expect(failure).toMatchObject({
      type: failureTypes.providerUnavailable,
      nonRetryable: false,
      category: ApplicationFailureCategory.BENIGN,
    });
    expect(Number(failure.nextRetryDelay)).toBeGreaterThan(30_000);
    expect(failure.message).toContain('in line for customers.list');
    expect(harness.simulator.state.requests()).toHaveLength(sent);
  });

  it('reports a 429 to the limiter, but not a locked object', async () => {
    const limiter = limiterOn(harness.redis);
    const payments = paymentsBehind(limiter);
    harness.simulator.faults.add({ action: { kind: 'lock_timeout' } });
    await failureOf(payments.authorizePayment(attempt()));
    await limiter.acquire(turn('interactive', 1_000, 'customers.list'));
    harness.simulator.faults.add({ action: { kind: 'rate_limit', retryAfterSeconds: 20 } });
    await failureOf(payments.authorizePayment(attempt()));
    const away = await eventually('the limiter knows', async () => {
      const answer = await limiter.acquire(turn('interactive', 0, 'customers.list')).catch((error: unknown) => error);
      return answer instanceof LimiterBusy ? answer : undefined;
    });
    expect(away.retryAfterMs).toBeGreaterThan(15_000);
  });
});
