import { cancelRequest } from '../../../clients/schemas/orders';
import { parse } from '../../../clients/schemas/validate';
import { orderView, request, type Answer } from '../support/gateway-fakes';
import { gatewayForTests } from '../support/gateway-for-tests';

const served = gatewayForTests();

const post = (path: string, body: unknown): Promise<Answer> => request(`${served.url}/v1/orders/${path}`, { body });

const SHIPMENT = { lines: [{ sku: 'MUG-1', quantity: 1 }], carrier: 'dhl', trackingNumber: 'JD 01' };

interface CommandCase {
  readonly path: string;
  readonly verb: string;
  readonly body: unknown;
  readonly sent: unknown;
  readonly answer: Readonly<Record<string, unknown>>;
  readonly status: number;
}

const actor = expect.stringMatching(/^api-key:[0-9a-f]{12}$/) as unknown;
const COMMANDS: readonly CommandCase[] = [
  {
    path: 'shipments',
    verb: 'ship',
    body: SHIPMENT,
    sent: SHIPMENT,
    answer: { shipmentId: 'dhl/JD 01', capturedAmount: 2_500, state: 'allocated', paymentState: 'partially_captured' },
    status: 201,
  },
  {
    path: 'cancel',
    verb: 'cancel',
    body: { reason: 'changed mind' },
    sent: { reason: 'changed mind', actor },
    answer: { state: 'cancelled', releasedAmount: 4_999, cancelledLines: [] },
    status: 200,
  },
  {
    path: 'cancel',
    verb: 'cancel',
    body: { reason: 'fraud', actor: 'agent-7' },
    sent: { reason: 'fraud', actor: expect.stringMatching(/^api-key:[0-9a-f]{12}:agent-7$/) as unknown },
    answer: { state: 'cancelled', releasedAmount: 4_999, cancelledLines: [] },
    status: 200,
  },
  { path: 'deliveries', verb: 'deliver', body: {}, sent: {}, answer: { state: 'delivered' }, status: 200 },
  {
    path: 'deliveries',
    verb: 'deliver',
    body: { shipmentId: 'dhl/JD 01', deliveredAt: '2026-03-01T11:59:00+01:00' },
    sent: { shipmentId: 'dhl/JD 01', deliveredAt: '2026-03-01T10:59:00.000Z' },
    answer: { state: 'delivered' },
    status: 200,
  },
  {
    path: 'payment-method',
    verb: 'renewPayment',
    body: { paymentMethod: 'pm_1' },
    sent: { paymentMethod: 'pm_1' },
    answer: { state: 'authorized', captureBefore: '2026-03-08T12:00:00.000Z' },
    status: 200,
  },
  {
    path: 'payment-method',
    verb: 'renewPayment',
    body: { paymentMethod: 'pm_1' },
    sent: { paymentMethod: 'pm_1' },
    answer: { state: 'requires_action', clientSecret: 's' },
    status: 202,
  },
  {
    path: 'hold-decision',
    verb: 'decideHold',
    body: { action: 'capture' },
    sent: { action: 'capture', actor },
    answer: { state: 'allocated' },
    status: 200,
  },
];

test.each([
  ['a', 200],
  ['a'.repeat(129), 200],
  ['a'.repeat(130), 200],
  ['a'.repeat(149), 200],
  ['a'.repeat(150), 200],
  [`api-key:0123456789ab:${'a'.repeat(129)}`, 200],
  ['', 400],
  ['a'.repeat(151), 400],
  [`api-key:0123456789ab:${'a'.repeat(150)}`, 400],
])('an actor that the gateway accepts, the library accepts too: %s', async (claimed, status) => {
  served.fakes.answer = () => ({ accepted: true, state: 'cancelled', releasedAmount: 0, cancelledLines: [] });
  const answer = await request(`${served.url}/v1/orders/ord_1/cancel`, { body: { reason: 'x', actor: claimed } });
  expect(answer.status).toBe(status);
  if (status === 400) return expect(answer.body['errors']).toMatchObject([{ field: 'actor' }]);
  const sent = served.fakes.sent[0]?.args[1] as { actor: string };
  expect(sent.actor).toMatch(new RegExp(`:${claimed}$`));
  expect(parse(cancelRequest, sent)).toEqual(sent);
});

test.each(['0x10', '1e2', '%205', '5%20', '+5', '-1', '0', '5.0', '', '201', '9999999'])(
  'a limit is written in decimal digits: %s',
  async (limit) => {
    for (const list of ['orders', 'disputes', 'fraud-warnings', 'subscriptions', 'notices', 'exceptions']) {
      const answer = await request(`${served.url}/v1/${list}?limit=${limit}`);
      expect([list, answer.status, answer.body['errors']]).toMatchObject([list, 400, [{ field: 'limit' }]]);
    }
  },
);

describe('commands', () => {
  test.each(COMMANDS)('$path → $verb: $status', async ({ path, verb, body, sent, answer, status }) => {
    served.fakes.answer = () => ({ accepted: true, ...answer });
    const response = await post(`ord_1/${path}`, body);
    expect(response.status).toBe(status);
    expect(response.body).toEqual({ orderId: 'ord_1', ...answer });
    expect(served.fakes.sent).toEqual([{ verb, args: ['ord_1', sent, {}] }]);
  });

  test.each(COMMANDS)('$path of an unknown order: 404, no workflow is started', async ({ path, body }) => {
    for (const orderId of ['ord_2', 'not%20an%20id', 'x'.repeat(150)]) {
      const response = await post(`${orderId}/${path}`, body);
      expect(response.status).toBe(404);
      expect(response.body).toMatchObject({ code: 'not_found' });
    }
    expect(served.fakes.sent).toEqual([]);
  });

  test.each(COMMANDS)('$path refused: 409 with the reason', async ({ path, body }) => {
    served.fakes.answer = () => ({ accepted: false, reason: 'order_cancelled', message: 'The order was cancelled.' });
    const response = await post(`ord_1/${path}`, body);
    expect(response.status).toBe(409);
    expect(response.body).toMatchObject({ code: 'order_cancelled', detail: 'The order was cancelled.' });
  });

  test.each(['shipments', 'hold-decision'])('%s that Stripe does not pay for: 402', async (path) => {
    const body = COMMANDS.find((one) => one.path === path)?.body;
    served.fakes.answer = () => ({
      accepted: false,
      reason: 'payment_refused',
      message: 'Stripe did not take 1.00 EUR.',
    });
    const response = await post(`ord_1/${path}`, body);
    expect(response.status).toBe(402);
    expect(response.body).toMatchObject({ code: 'payment_refused', detail: 'Stripe did not take 1.00 EUR.' });
  });

  test('the workflow does not know the order either: 404', async () => {
    served.fakes.answer = () => ({ accepted: false, reason: 'unknown_order', message: '?' });
    expect((await post('ord_1/cancel', { reason: 'x' })).status).toBe(404);
  });

  test('another payment method declined: 402', async () => {
    served.fakes.answer = () => ({ accepted: true, state: 'declined', declineCode: 'lost_card', retryUntil: 't' });
    const response = await post('ord_1/payment-method', { paymentMethod: 'pm_1' });
    expect(response.status).toBe(402);
    expect(response.body).toMatchObject({ code: 'card_declined', declineCode: 'lost_card', retryUntil: 't' });
  });

  test.each([
    ['shipments', {}, ['lines', 'carrier', 'trackingNumber']],
    [
      'shipments',
      {
        ...SHIPMENT,
        lines: [
          { sku: 'a', quantity: 0 },
          { sku: 'a', quantity: -1 },
        ],
      },
      ['lines.0.quantity', 'lines.1.quantity', 'lines.1.sku'],
    ],
    ['shipments', { ...SHIPMENT, lines: [{ sku: 'a', quantity: 1e9 }], hue: 1 }, ['lines.0.quantity', 'hue']],
    ['shipments', [], ['body']],
    ['cancel', {}, ['reason']],
    ['cancel', { reason: '' }, ['reason']],
    ['cancel', { reason: 'a\u0000b' }, ['reason']],
    ['deliveries', { deliveredAt: 'yesterday' }, ['deliveredAt']],
    ['deliveries', { deliveredAt: '2026-03-01T12:06:00Z' }, ['deliveredAt']],
    ['payment-method', { paymentMethod: 5 }, ['paymentMethod']],
    ['hold-decision', { action: 'wait' }, ['action']],
  ])('%s %j: 400 naming %j, nothing is sent', async (path, body, fields) => {
    const response = await post(`ord_1/${path}`, body);
    expect(response.status).toBe(400);
    const errors = response.body['errors'] as { field: string; message: string }[];
    expect(errors.map((one) => one.field).sort()).toEqual([...fields].sort());
    expect(served.fakes.sent).toEqual([]);
  });
});

describe('reading', () => {
  test('one order', async () => {
    const response = await request(`${served.url}/v1/orders/ord_1`);
    expect(response.status).toBe(200);
    expect(response.body).toEqual(orderView('ord_1'));
  });

  test('an unknown one: 404', async () => {
    expect((await request(`${served.url}/v1/orders/ord_2`)).status).toBe(404);
  });

  test.each([
    ['', { limit: 50 }],
    ['state=placed&waitingOn=customer&limit=7', { state: 'placed', waitingOn: 'customer', limit: 7 }],
    ['before=2026-03-01T11:00:00.000Z', { before: '2026-03-01T11:00:00.000Z', limit: 50 }],
    ['stuck=true&limit=3', { now: '2026-03-01T12:00:00.000Z', limit: 3 }],
    ['stuck=false', { limit: 50 }],
  ])('a list of %s', async (query, filter) => {
    const response = await request(`${served.url}/v1/orders?${query}`);
    expect(response.status).toBe(200);
    expect(response.body).toEqual({ orders: [orderView('ord_1')] });
    expect(served.fakes.listed).toEqual([filter]);
  });

  test.each([
    ['state=lost&waitingOn=nobody&limit=0&stuck=maybe&sort=up', ['limit', 'sort', 'state', 'stuck', 'waitingOn']],
    ['limit=201', ['limit']],
    ['limit=many', ['limit']],
    ['before=today', ['before']],
    ['stuck=true&state=placed&before=2026-03-01T11:00:00Z', ['before', 'state']],
  ])('a list of %s: 400', async (query, fields) => {
    const response = await request(`${served.url}/v1/orders?${query}`);
    expect(response.status).toBe(400);
    expect((response.body['errors'] as { field: string }[]).map((one) => one.field).sort()).toEqual(fields);
    expect(served.fakes.listed).toEqual([]);
  });

  test.each([
    ['a refused connection', Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })],
    ['a typed failure', Object.assign(new Error('storage'), { type: 'StorageUnavailable' })],
    ['a cause', new Error('query failed', { cause: Object.assign(new Error('reset'), { code: 'ECONNRESET' }) })],
  ])('Postgres is away (%s): 503 with Retry-After', async (_what, error) => {
    served.fakes.outage = error;
    const response = await request(`${served.url}/v1/orders/ord_1`);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
  });

  test('a defect of storage is no outage: 500', async () => {
    served.fakes.outage = Object.assign(new Error('Connection terminated'), { type: 'Defect' });
    expect((await request(`${served.url}/v1/orders/ord_1`)).status).toBe(500);
  });
});
