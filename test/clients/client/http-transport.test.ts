import { createHoldfastHttpClient, type HoldfastHttpClientOptions } from '../../../clients/client/http';

// What the HTTP client does where an answer is late, lost, refused or none of the gateway's.

interface Sent {
  readonly url: string;
  readonly headers: Headers;
}

type Scripted = () => Promise<Response>;

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Scripted => {
  return () => Promise.resolve(new Response(JSON.stringify(body), { status, headers }));
};
const lost: Scripted = () => Promise.reject(new TypeError('fetch failed'));
const cancelled = json(200, { orderId: 'ord_1', state: 'cancelled', releasedAmount: 5, cancelledLines: [] });
const problem = (status: number, code: string, more: Record<string, unknown> = {}, headers = {}): Scripted =>
  json(status, { type: 'about:blank', title: 'x', status, detail: 'why', code, ...more }, headers);

/** A client whose requests are answered in turn; the last answer is given again and again. */
function clientOf(answers: readonly Scripted[], options: Partial<HoldfastHttpClientOptions> = {}) {
  const sent: Sent[] = [];
  const fetch = (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    sent.push({ url: String(url), headers: new Headers(init?.headers) });
    const answer = answers[Math.min(sent.length, answers.length) - 1];
    return answer === undefined ? Promise.reject(new Error('no answer is scripted')) : answer();
  };
  const client = createHoldfastHttpClient({
    ...{ url: 'http://gateway.test/prefix', apiKey: 'a-key-of-the-gateway', fetch: fetch as typeof globalThis.fetch },
    ...options,
  });
  const cancel = (idempotencyKey?: string) =>
    client.cancel('ord_1', { reason: 'x' }, idempotencyKey === undefined ? {} : { idempotencyKey });
  return { client, cancel, sent, keys: () => sent.map(({ headers }) => headers.get('idempotency-key')) };
}

test('a request that was lost on the way is sent again under the same key, until it is answered', async () => {
  const { cancel, sent, keys } = clientOf([
    lost,
    problem(503, 'unavailable'),
    problem(409, 'idempotency_in_flight'),
    cancelled,
  ]);
  expect(await cancel()).toEqual({ accepted: true, state: 'cancelled', releasedAmount: 5, cancelledLines: [] });
  expect(sent).toHaveLength(4);
  expect(new Set(keys()).size).toBe(1);
  expect(sent[0]?.url).toBe('http://gateway.test/prefix/v1/orders/ord_1/cancel');
  expect(sent[0]?.headers.get('authorization')).toBe('Bearer a-key-of-the-gateway');
});

test('two calls have two keys, and a key of the caller is sent as it is', async () => {
  const { cancel, keys } = clientOf([cancelled]);
  await cancel();
  await cancel();
  await cancel('mine');
  expect(new Set(keys()).size).toBe(3);
  expect(keys()[2]).toBe('mine');
});

test.each([
  ['ServiceUnavailable', lost],
  ['ServiceUnavailable', problem(503, 'unavailable')],
  ['ServiceUnavailable', problem(503, 'closing')],
  ['ServiceUnavailable', json(502, 'Bad gateway')],
  ['OutcomePending', json(504, 'Gateway timeout')],
  ['OutcomePending', problem(503, 'outcome_pending')],
  ['OutcomePending', problem(409, 'idempotency_in_flight', {}, { 'retry-after': '1' })],
])('a failure that does not pass is %s once the time is over', async (name, answer) => {
  const { cancel, sent } = clientOf([answer], { waitMs: 250 });
  await expect(cancel()).rejects.toMatchObject({ name, target: 'POST /v1/orders/ord_1/cancel' });
  expect(sent.length).toBeLessThanOrEqual(4);
});

test('a gateway that never answers is OutcomePending', async () => {
  const fetch = (_: unknown, init?: RequestInit): Promise<Response> =>
    new Promise((_resolve, reject) =>
      init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error), { once: true }),
    );
  const { cancel } = clientOf([], { waitMs: 50, fetch: fetch as typeof globalThis.fetch });
  await expect(cancel()).rejects.toMatchObject({ name: 'OutcomePending', waitedMs: 50 });
});

test('a pause longer than the time that is left: no second request', async () => {
  const { cancel, sent } = clientOf([problem(503, 'unavailable', {}, { 'retry-after': '5' })], { waitMs: 1_000 });
  await expect(cancel()).rejects.toMatchObject({ name: 'ServiceUnavailable' });
  expect(sent).toHaveLength(1);
});

test.each([
  ['Misconfigured', problem(401, 'wrong_api_key')],
  ['Misconfigured', problem(500, 'misconfigured')],
  ['ValidationError', problem(400, 'invalid_request', { errors: [{ field: 'reason', message: 'is required' }] })],
  ['ValidationError', problem(422, 'idempotency_key_reused')],
  ['UnexpectedAnswer', problem(500, 'internal')],
  ['UnexpectedAnswer', json(404, { message: 'of somebody else' })],
  ['UnexpectedAnswer', () => Promise.resolve(new Response('<html>', { status: 200 }))],
  ['UnexpectedAnswer', () => Promise.resolve(new Response(null, { status: 302, headers: { location: '/login' } }))],
])('%s is thrown at once, and nothing is sent again', async (name, answer) => {
  const { cancel, sent } = clientOf([answer]);
  await expect(cancel()).rejects.toMatchObject({ name });
  expect(sent).toHaveLength(1);
});

test('an outcome that is not known is an answer, as over Temporal', async () => {
  const { cancel } = clientOf([problem(503, 'outcome_unknown')]);
  expect(await cancel()).toEqual({ accepted: false, reason: 'outcome_unknown', message: 'why' });
});

test('a decision on an exception that was already made returns when', async () => {
  const { client } = clientOf([problem(409, 'already_resolved'), problem(404, 'not_found')]);
  const decide = () => client.resolveException('7', { action: 'retry' });
  expect(await decide()).toEqual({ accepted: false, reason: 'already_resolved', message: 'why' });
  expect(await decide()).toEqual({ accepted: false, reason: 'unknown_exception', message: 'why' });
});

test('reading: one, none, and lists with their filters', async () => {
  const { client, sent } = clientOf([
    json(200, { orderId: 'ord_1' }),
    problem(404, 'not_found'),
    json(200, { orders: [] }),
  ]);
  expect(await client.getOrder('ord_1')).toEqual({ orderId: 'ord_1' });
  expect(await client.getOrder('ord_2')).toBeUndefined();
  expect(await client.listOrders({ state: 'placed', limit: 2, before: undefined })).toEqual([]);
  expect(sent[2]?.url).toBe('http://gateway.test/prefix/v1/orders?state=placed&limit=2');
});

test.each(['..', '.', 'a/b', '', 'a b'])('%j is no id: nothing is sent', async (id) => {
  const { client, sent } = clientOf([cancelled]);
  await expect(client.cancel(id, { reason: 'x' })).rejects.toMatchObject({
    name: 'ValidationError',
    problems: [{ field: 'orderId' }],
  });
  expect(sent).toEqual([]);
});

test('a key that no header can carry, and an invalid URL or API key, are refused', async () => {
  const { cancel, sent } = clientOf([cancelled]);
  await expect(cancel('schlüssel')).rejects.toMatchObject({ problems: [{ field: 'Idempotency-Key' }] });
  expect(sent).toEqual([]);
  expect(() => clientOf([], { url: 'gateway.test' })).toThrow(RangeError);
  expect(() => clientOf([], { apiKey: 'a key' })).toThrow(RangeError);
});
