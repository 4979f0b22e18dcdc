import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { createStripeClient } from '../../../activities/stripe';
import { ConcurrencyCap } from '../../../activities/stripe/concurrency';
import { kindOfCode } from '../../../activities/stripe/error-kinds';
import { toFailure } from '../../../activities/stripe/errors';
import { failureTypes } from '../../../workflows/domain/shared/errors';
import { attempt, failureOf, startHarness } from './harness';

/** A server that gives every request a prepared answer, for answers that no simulator gives. */
interface Canned {
  readonly url: string;
  stop(): Promise<void>;
}

async function canned(status: number, body: string, headers: Record<string, string> = {}): Promise<Canned> {
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_canned', ...headers });
      response.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}

const error = (fields: Record<string, unknown>): string =>
  JSON.stringify({ error: { message: 'jo@example.com pi_1_secret_2', ...fields } });
const API_ERROR = error({ type: 'api_error' });
const INVALID = error({ type: 'invalid_request_error', param: 'amount', code: 'parameter_invalid_integer' });
const IN_USE = error({ type: 'idempotency_error', code: 'idempotency_key_in_use' });
const REUSED = error({ type: 'idempotency_error' });
const call = {
  operation: 'authorizePayment',
  orderId: 'ord_1',
  atRisk: 'a hold may stand',
  priority: 'interactive',
  workId: 'checkout-cart_1',
  tryNumber: 1,
} as const;

interface Row {
  readonly name: string;
  readonly status: number;
  readonly body: string;
  readonly headers?: Record<string, string>;
  readonly type: string;
  readonly nonRetryable: boolean;
  readonly category?: 'BENIGN';
}

const { providerUnavailable, unknownOutcome, defect, refused } = failureTypes;
const NO = { 'stripe-should-retry': 'false' };
const YES = { 'stripe-should-retry': 'true' };
const REPLAYED = { 'idempotent-replayed': 'true' };
const UNKNOWN_PARAM = error({ type: 'invalid_request_error', code: 'parameter_unknown', param: 'x' });
const RATE = error({ type: 'invalid_request_error', code: 'rate_limit' });
const LOCK = error({ type: 'invalid_request_error', code: 'lock_timeout' });

const busy = { type: providerUnavailable, nonRetryable: false, category: 'BENIGN' } as const;
const down = { type: providerUnavailable, nonRetryable: false } as const;
const broken = { type: defect, nonRetryable: true } as const;
const unknown = { type: unknownOutcome, nonRetryable: true } as const;
const no = { type: refused, nonRetryable: true } as const;
const TABLE: readonly Row[] = [
  { name: '429, plain', status: 429, body: RATE, ...busy },
  { name: '429, should retry', status: 429, body: RATE, headers: YES, ...busy },
  { name: '429, lock time-out', status: 429, body: LOCK, ...busy },
  { name: '409, key in use', status: 409, body: IN_USE, ...busy },
  { name: '500, to be retried', status: 500, body: API_ERROR, headers: YES, ...down },
  { name: '500, first answer', status: 500, body: API_ERROR, ...unknown },
  { name: '500, replayed', status: 500, body: API_ERROR, headers: REPLAYED, ...unknown },
  { name: '503, replayed', status: 503, body: API_ERROR, headers: REPLAYED, ...unknown },
  { name: '503', status: 503, body: API_ERROR, ...down },
  { name: '424', status: 424, body: API_ERROR, ...down },
  { name: 'no JSON', status: 502, body: '<html>', ...down },
  { name: '500, not to be retried', status: 500, body: API_ERROR, headers: NO, ...unknown },
  { name: '400, a code', status: 400, body: error({ type: 'invalid_request_error', code: 'charge_disputed' }), ...no },
  { name: '400, a parameter', status: 400, body: error({ type: 'invalid_request_error', param: 'amount' }), ...no },
  { name: '400, nothing named', status: 400, body: error({ type: 'invalid_request_error' }), ...broken },
  { name: '400, a parameter that is none', status: 400, body: UNKNOWN_PARAM, ...broken },
  { name: '402', status: 402, body: error({ type: 'card_error', code: 'card_declined' }), ...no },
  { name: '404', status: 404, body: INVALID, ...no },
  { name: '400, key reused', status: 400, body: REUSED, ...broken },
  { name: '401', status: 401, body: INVALID, ...broken },
  { name: '403', status: 403, body: INVALID, ...broken },
];

/** What the SDK throws for one answer, made into a failure. */
async function mapped(row: Pick<Row, 'status' | 'body' | 'headers'>, effect = true) {
  const server = await canned(row.status, row.body, row.headers);
  const stripe = createStripeClient({ secretKey: 'sk_test_hidden', apiUrl: server.url });
  try {
    return await failureOf(
      stripe.paymentIntents.create({ amount: 1, currency: 'eur' }).catch((thrown: unknown) => {
        throw toFailure(thrown, call, effect);
      }),
    );
  } finally {
    await server.stop();
  }
}

describe('the error table', () => {
  it.each(TABLE)('$name', async (row) => {
    const failure = await mapped(row);
    expect(failure.type).toBe(row.type);
    expect(failure.nonRetryable ?? false).toBe(row.nonRetryable);
    expect(failure.category).toBe(row.category);
    expect(failure.message).toContain('authorizePayment of order ord_1');
    expect(failure.message).toContain('At risk: a hold may stand.');
    if (row.body !== '<html>') expect(failure.message).toContain('req_canned');
  });

  it('retries a read whose 500 would be replayed: nothing is in doubt', async () => {
    const failure = await mapped({ status: 500, body: API_ERROR, headers: NO }, false);
    expect(failure).toMatchObject({ type: providerUnavailable, nonRetryable: false });
  });

  it('retries when the server does not answer', async () => {
    const server = await canned(200, '{}');
    await server.stop();
    const stripe = createStripeClient({ secretKey: 'sk_test_hidden', apiUrl: server.url });
    const thrown: unknown = await stripe.paymentIntents.retrieve('pi_1').catch((reason: unknown) => reason);
    expect(toFailure(thrown, call, true)).toMatchObject({ type: providerUnavailable, nonRetryable: false });
  });

  it.each([
    ['7', 7_000],
    ['86400', 30_000],
  ])('waits as long as Retry-After: %s says, within limits', async (seconds, delayMs) => {
    const failure = await mapped({ status: 429, body: RATE, headers: { 'retry-after': seconds } });
    expect(failure.nextRetryDelay).toBe(delayMs);
  });

  it('waits longer with each try where no delay is named, never at the same moment as others', async () => {
    const server = await canned(429, RATE);
    const stripe = createStripeClient({ secretKey: 'sk_test_hidden', apiUrl: server.url });
    const thrown: unknown = await stripe.balance.retrieve().catch((reason: unknown) => reason);
    await server.stop();
    const delays = (tryNumber: number): number[] =>
      Array.from({ length: 50 }, () => {
        const failure = toFailure(thrown, { ...call, tryNumber }, true) as { nextRetryDelay: number };
        return failure.nextRetryDelay;
      });
    for (const [tryNumber, fullMs] of [
      [1, 500],
      [3, 2_000],
      [40, 20_000],
    ] as const) {
      const seen = delays(tryNumber);
      expect(Math.min(...seen)).toBeGreaterThanOrEqual(fullMs / 2);
      expect(Math.max(...seen)).toBeLessThanOrEqual(fullMs);
      expect(new Set(seen).size).toBeGreaterThan(5);
    }
  });

  it('quotes nothing that the provider quoted, and keeps no cause that would', async () => {
    for (const row of TABLE) {
      const failure = await mapped(row);
      const written = JSON.stringify({ ...failure, message: failure.message, stack: failure.stack });
      expect(written).not.toMatch(/example\.com|_secret_|sk_test/);
      expect(failure.cause).toBeUndefined();
    }
  });
});

describe('a refusal', () => {
  it('contains its code, its parameter and our own sentence', async () => {
    const body = error({ type: 'invalid_request_error', code: 'amount_too_small', param: 'amount' });
    const failure = await mapped({ status: 400, body });
    const message =
      'the amount is below the smallest that the payment provider accepts in this currency (400 invalid_request_error amount_too_small at amount)';
    expect(failure.details).toEqual([{ code: 'amount_too_small', message, param: 'amount' }]);
  });
});

describe('the error codes of the SDK', () => {
  const types = readFileSync(join(dirname(require.resolve('stripe')), 'resources', 'PaymentIntents.d.ts'), 'utf8');
  const [, union = ''] = /namespace LastPaymentError \{\s+type Code = ([^;]+);/.exec(types) ?? [];
  const codes = [...union.matchAll(/'([a-z0-9_]+)'/g)].map(([, code = '']) => code);

  it('are each of a kind that was decided on', () => {
    expect(codes.length).toBeGreaterThan(150);
    // A code that a new version of the SDK adds shows up here: decide on its kind, then update the snapshot.
    expect(Object.fromEntries(codes.map((code) => [code, kindOfCode(code)]))).toMatchSnapshot();
  });
});

describe('answers that are no payments', () => {
  it.each([
    [404, '{}'],
    [200, '{"id":"cus_1","object":"customer"}'],
    [200, '{"object":"payment_intent"}'],
  ])('%i %s is retried, not taken for a success', async (status, body) => {
    const harness = await startHarness();
    const server = await canned(status, body);
    const stripe = createStripeClient({ secretKey: 'sk_test_hidden', apiUrl: server.url });
    jest
      .spyOn(harness.stripe.paymentIntents, 'create')
      .mockImplementation((params, options) => stripe.paymentIntents.create(params, options));
    try {
      const failure = await failureOf(harness.payments.authorizePayment(attempt()));
      expect(failure).toMatchObject({ type: providerUnavailable, nonRetryable: false });
    } finally {
      await server.stop();
      await harness.stop();
    }
  });
});

describe('ConcurrencyCap', () => {
  it('lets so many run, the others in order, also after one has failed', async () => {
    const cap = new ConcurrencyCap(2);
    const started: number[] = [];
    const ends: (() => void)[] = [];
    const tasks = [0, 1, 2, 3].map((index) =>
      cap.run(async () => {
        started.push(index);
        await new Promise<void>((resolve) => (ends[index] = resolve));
        if (index === 0) throw new Error('the first fails');
      }),
    );
    const settled = Promise.allSettled(tasks);
    await new Promise(setImmediate);
    expect(started).toEqual([0, 1]);
    ends[0]?.();
    await expect(tasks[0]).rejects.toThrow('the first fails');
    await new Promise(setImmediate);
    expect(started).toEqual([0, 1, 2]);
    ends[1]?.();
    ends[2]?.();
    await Promise.all(tasks.slice(1, 3));
    await new Promise(setImmediate);
    expect(started).toEqual([0, 1, 2, 3]);
    ends[3]?.();
    await settled;
  });
});

describe('createStripeClient', () => {
  it.each(['ftp://stripe.example', 'http://127.0.0.1:1/v1', 'nonsense'])('refuses %s', (apiUrl) => {
    expect(() => createStripeClient({ secretKey: 'sk_test_hidden', apiUrl })).toThrow(TypeError);
  });
});
