import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Gateway, GatewayOptions } from '../../../clients/gateway';
import { API_KEY, createFakes, request, startGateway, type Fakes } from '../support/gateway-fakes';
import { eventually } from '../../support/time/eventually';

let fakes: Fakes;
let gateway: Gateway;
let url: string;
let log: () => string;

beforeEach(async () => {
  fakes = createFakes();
  ({ gateway, url, log } = await startGateway(fakes, { closeLimitMs: LONGER_THAN_A_TEST_MS }));
});
afterEach(() => gateway.close());

// A close that waits for its limit fails the test.
const LONGER_THAN_A_TEST_MS = 120_000;
/** As pino writes it. */
const INFO = 30;

describe('a body that does not come', () => {
  const write = (text: string, to = url): Socket => {
    const { hostname, port } = new URL(to);
    const socket = connect(Number(port), hostname);
    socket.write(text);
    return socket;
  };
  const begun = (path: string, header: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\n${header}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"cartId":`;

  test.each([
    ['/v1/checkouts', '', 401],
    ['/webhooks/stripe', '', 400],
    ['/webhooks/stripe', 'Stripe-Signature: t=1,v1=\r\n', 400],
  ])('is not waited for where nobody could be let in: %s %j', async (path, header, status) => {
    const socket = write(begun(path, header));
    const answer = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())));
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*connection: close`, 'i'));
    socket.destroy();
  });

  // Those who may come in: their bodies are waited for.
  const welcome = [
    ['/v1/checkouts', `Authorization: Bearer ${API_KEY}\r\n`],
    ['/webhooks/stripe', `Stripe-Signature: t=1,v1=${'0'.repeat(64)}\r\n`],
  ] as const;
  const ways = ['destroy', 'resetAndDestroy'] as const;

  test.each(welcome.flatMap(([path, header]) => ways.map((way) => [path, way, header] as const)))(
    'since its client goes away is no error of ours: %s, %s',
    async (path, way, header) => {
      const atStart = log();
      const socket = write(begun(path, `${header}Expect: 100-continue\r\n`));
      // By now the request is being read.
      await once(socket, 'data');
      socket[way]();
      await eventually('its end to be logged', () => log() !== atStart);
      const lines = log().slice(atStart.length).trim().split('\n');
      expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([{ level: INFO, route: path }]);
      expect([fakes.sent, fakes.stored]).toEqual([[], []]);
    },
  );

  test.each([...welcome.map(([path, header]) => begun(path, header)), 'POST /v1/checkouts HTTP/1.1\r\nHost:'])(
    'is waited for no longer than the limit: %j',
    async (text) => {
      const impatient = await startGateway(fakes, { requestLimitMs: 50 });
      const socket = write(text, impatient.url);
      let answer = '';
      socket.on('data', (data) => (answer += data.toString()));
      await once(socket, 'close');
      expect(answer).toMatch(/^HTTP\/1.1 408 [^]*"code":"request_timeout"/);
      await impatient.gateway.close();
      expect(impatient.log()).not.toMatch(/"level":[56]0/);
    },
  );
});

describe('many clients that hold on to their connections', () => {
  const started: Gateway[] = [];
  const sockets: Socket[] = [];
  const connected = async (to: string, count: number): Promise<Socket[]> => {
    const { hostname, port } = new URL(to);
    const made = Array.from({ length: count }, () => connect(Number(port), hostname).on('error', () => undefined));
    sockets.push(...made);
    await Promise.all(made.map((socket) => once(socket, 'connect')));
    return made;
  };

  afterEach(async () => {
    sockets.splice(0).forEach((socket) => socket.destroy());
    await Promise.all(started.splice(0).map((one) => one.close()));
  });
  const serve = async (limits: Partial<GatewayOptions>): Promise<string> => {
    const { gateway: one, url: to } = await startGateway(fakes, limits);
    started.push(one);
    return to;
  };

  test('do not keep others from being answered, and idle ones are closed at the limit', async () => {
    const to = await serve({ requestLimitMs: 500 });
    const clients = await connected(to, 300);
    const ends = clients.map((socket) => once(socket.resume(), 'close'));
    expect((await request(`${to}/v1/orders/ord_1`)).status).toBe(200);
    await Promise.all(ends);
  });

  test('beyond the limit are closed without an answer and counted; a freed place is used again', async () => {
    const limits = { requestLimitMs: LONGER_THAN_A_TEST_MS, maxConnections: 3 };
    const to = await serve(limits);
    const clients = await connected(to, 3);
    const [beyond] = await connected(to, 1);
    let answer = '';
    beyond?.on('data', (data) => (answer += data.toString()));
    await once(beyond as Socket, 'close');
    expect(answer).toBe('');
    clients.pop()?.destroy();
    await eventually('a free place', async () => {
      const metrics = await request(`${to}/metrics`).catch(() => undefined);
      return /^holdfast_http_connections_dropped_total [1-9]/m.test(String(metrics?.body['text']));
    });
  });

  test('and never read their answers have their connections closed', async () => {
    const to = await serve({ silenceLimitMs: 200, maxConnections: 2 });
    const clients = await connected(to, 2);
    for (const socket of clients) {
      socket.pause();
      // More answers than the system keeps for a client.
      socket.write('GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200));
    }
    await eventually('their places to be free', async () => {
      const health = await request(`${to}/healthz`).catch(() => undefined);
      return health?.status === 200;
    });
  });
});
