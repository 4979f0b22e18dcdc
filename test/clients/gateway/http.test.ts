import { connect } from 'node:net';
import { createGateway, type Gateway } from '../../../clients/gateway';
import { API_KEY, cart, createFakes, PLACED, request, startGateway, type Fakes } from '../support/gateway-fakes';

let fakes: Fakes;
let gateway: Gateway;
let url: string;

beforeEach(async () => {
  fakes = createFakes();
  ({ gateway, url } = await startGateway(fakes, {
    apiKeys: [API_KEY, 'another-key-0123456789'],
    closeLimitMs: LONGER_THAN_A_TEST_MS,
  }));
});
afterEach(() => gateway.close());

// A close that waits for its limit fails the test.
const LONGER_THAN_A_TEST_MS = 120_000;
type Init = Parameters<typeof request>[1];

const key = (authorization: string | undefined): Init => ({ body: cart(), headers: { authorization } });
const body = (text: string): Init => ({ body: text });

test('the payment page says how a payment is renewed, without a key, and runs nothing', async () => {
  const response = await fetch(`${url}/payment/${encodeURIComponent('ord_1"><script>')}`);
  const text = await response.text();
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(text).toContain('/v1/orders/ord_1&quot;&gt;&lt;script&gt;/payment-method');
  expect(text).not.toContain('<script');
});

describe('every error is a problem, and nothing is changed', () => {
  test.each<[string, string, Init, number, string]>([
    ['no API key', '/v1/checkouts', key(undefined), 401, 'missing_api_key'],
    ['no bearer', '/v1/checkouts', key(`Basic ${API_KEY}`), 401, 'missing_api_key'],
    ['a wrong API key', '/v1/checkouts', key('Bearer key-for-tests-0123456780'), 401, 'wrong_api_key'],
    ['the beginning of an API key', '/v1/checkouts', key(`Bearer ${API_KEY.slice(0, -1)}`), 401, 'wrong_api_key'],
    [
      'a wrong API key while reading',
      '/v1/orders/ord_1',
      { headers: { authorization: 'Bearer x' } },
      401,
      'wrong_api_key',
    ],
    ['an unknown route', '/v1/checkout', { body: cart() }, 404, 'not_found'],
    ['an unknown route outside the API', '/nothing', {}, 404, 'not_found'],
    ['another method', '/v1/checkouts', {}, 405, 'method_not_allowed'],
    ['another method of an order', '/v1/orders/ord_1', { method: 'DELETE' }, 405, 'method_not_allowed'],
    ['malformed JSON', '/v1/checkouts', body('{"cartId": '), 400, 'malformed_json'],
    ['an empty body said to be JSON', '/v1/checkouts', body(''), 400, 'malformed_json'],
    ['a poisoned prototype', '/v1/checkouts', body('{"__proto__": {"x": 1}}'), 400, 'malformed_json'],
    [
      'no JSON',
      '/v1/checkouts',
      { body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      415,
      'unsupported_media_type',
    ],
    [
      'text',
      '/v1/checkouts',
      { body: 'hello', headers: { 'content-type': 'text/plain' } },
      415,
      'unsupported_media_type',
    ],
    [
      'a body over the limit',
      '/v1/checkouts',
      body(JSON.stringify({ cartId: 'x'.repeat(256 * 1024) })),
      413,
      'body_too_large',
    ],
    ['a malformed URL', '/v1/orders/%E0%A4%A', {}, 400, 'malformed_request'],
  ])('%s', async (_what, path, init, status, code) => {
    const response = await request(`${url}${path}`, init);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(response.body).toMatchObject({ type: 'about:blank', status, code, title: expect.any(String) as unknown });
    expect(fakes.sent).toEqual([]);
  });

  test('the body limit is not below what is promised', async () => {
    const response = await request(`${url}/v1/checkouts`, body(JSON.stringify({ cartId: 'x'.repeat(255 * 1024) })));
    expect(response.status).toBe(400);
  });

  test('401 names the way to authenticate, 405 the methods that are allowed', async () => {
    const unauthorized = await request(`${url}/v1/orders`, { headers: { authorization: undefined } });
    expect(unauthorized.headers.get('www-authenticate')).toBe('Bearer realm="holdfast"');
    expect((await request(`${url}/v1/checkouts`)).headers.get('allow')).toBe('POST');
  });

  test('input that is not HTTP gets a 400', async () => {
    const { hostname, port } = new URL(url);
    const text = await new Promise<string>((resolve, reject) => {
      let received = '';
      const socket = connect(Number(port), hostname, () => socket.write('NONSENSE\r\n\r\n'));
      socket.on('data', (chunk) => (received += chunk.toString()));
      socket.on('end', () => resolve(received));
      socket.on('error', reject);
    });
    expect(text).toContain('HTTP/1.1 400 Bad Request');
    expect(text).toContain('application/problem+json');
  });
});

test('all missing fields are named at once', async () => {
  for (const init of [{ body: {} }, { method: 'POST' }]) {
    const response = await request(`${url}/v1/checkouts`, init);
    expect(response.status).toBe(400);
    const required = ['cartId', 'currency', 'customer', 'lines', 'paymentMethod'];
    expect(response.body['errors']).toEqual(required.map((field) => ({ field, message: 'is required' })));
  }
});

test('each of several API keys is accepted', async () => {
  const response = await request(`${url}/v1/orders`, { headers: { authorization: 'bearer another-key-0123456789' } });
  expect(response.status).toBe(200);
});

test.each([
  [[], /at least one API key/],
  [['short'], /API key 1 of 1 is shorter/],
  [[API_KEY, ''], /API key 2 of 2/],
  [['ü'.repeat(32)], /printable ASCII/],
  [['a'.repeat(32)], /different characters/],
])('API keys %j are refused at once', async (apiKeys, reason) => {
  await expect(createGateway(fakes.deps, { apiKeys })).rejects.toThrow(reason);
});

test('request ids are echoed where they are harmless', async () => {
  const id = async (header: string): Promise<string | null> =>
    (await request(`${url}/healthz`, { headers: { 'x-request-id': header } })).headers.get('x-request-id');
  expect(await id('trace-0123456789')).toBe('trace-0123456789');
  expect(await id('a b"c{}')).toMatch(/^[0-9a-f-]{36}$/);
});

describe('health', () => {
  test('/healthz answers that the process lives, whatever else is down', async () => {
    fakes.ready = { postgres: false, temporal: false };
    fakes.outage = new Error('away');
    expect(await request(`${url}/healthz`)).toMatchObject({ status: 200, body: { status: 'ok' } });
  });

  test('/readyz names what does not answer', async () => {
    expect(await request(`${url}/readyz`)).toMatchObject({
      status: 200,
      body: { status: 'ready', checks: { postgres: 'ok', temporal: 'ok' } },
    });
    fakes.ready.temporal = false;
    const response = await request(`${url}/readyz`);
    expect(response.status).toBe(503);
    expect(response.body).toMatchObject({
      code: 'not_ready',
      detail: 'Not available: temporal',
      checks: { postgres: 'ok', temporal: 'failed' },
    });
  });

  test('/metrics counts requests by route, and works while Postgres is away', async () => {
    await request(`${url}/v1/orders/ord_1`);
    await request(`${url}/v1/orders/ord_2`);
    await request(`${url}/made/up`);
    await request(`${url}/v1/checkouts`, { body: cart() });
    fakes.outage = new Error('away');
    const response = await request(`${url}/metrics`);
    const text = response.body['text'] as string;
    expect(response.status).toBe(200);
    expect(text).toContain('holdfast_http_requests_total{method="GET",route="/v1/orders/:orderId",status="200"} 1');
    expect(text).toContain('holdfast_http_requests_total{method="GET",route="/v1/orders/:orderId",status="404"} 1');
    expect(text).toContain('holdfast_http_requests_total{method="GET",route="unknown",status="404"} 1');
    expect(text).toContain('holdfast_http_request_duration_seconds_bucket');
    expect(text).toContain('holdfast_checkouts_total{answer="placed"} 1');
    expect(text).not.toMatch(/^holdfast_outbox_unpublished \d/m);
  });
});

describe('close', () => {
  test('lets a running request finish, and accepts no new one', async () => {
    let finish = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      fakes.answer = () => {
        resolve();
        return new Promise((answer) => (finish = () => answer(PLACED)));
      };
    });
    const running = request(`${url}/v1/checkouts`, { body: cart() });
    await begun;
    const closed = gateway.close();
    await expect(request(`${url}/v1/orders`)).rejects.toThrow();
    finish();
    expect((await running).status).toBe(201);
    await closed;
  });

  test('cuts off what runs longer than the limit', async () => {
    const other = await startGateway(fakes, { closeLimitMs: 20 });
    const begun = new Promise<void>((resolve) => {
      fakes.answer = () => {
        resolve();
        return new Promise(() => undefined);
      };
    });
    const running = expect(request(`${other.url}/v1/checkouts`, { body: cart() })).rejects.toThrow();
    await begun;
    await other.gateway.close();
    await running;
  });
});
