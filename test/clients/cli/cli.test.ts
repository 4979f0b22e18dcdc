import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Gateway } from '../../../clients/gateway';
import { API_KEY, createFakes, orderView, startGateway, type Fakes } from '../support/gateway-fakes';
import { noticeView } from '../support/notice-view';

// The real command as a process of its own, as `npx holdfast` starts it: `npm test` builds it first.
const COMMAND = resolve(__dirname, '../../../dist/workers/processes/cli-main.js');

let fakes: Fakes;
let gateway: Gateway;
let url: string;

beforeAll(() => {
  if (!existsSync(COMMAND)) throw new Error(`${COMMAND} is missing: run npm run build`);
});
beforeEach(async () => {
  fakes = createFakes();
  ({ gateway, url } = await startGateway(fakes));
});
afterEach(() => gateway.close());

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function holdfast(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const env = { PATH: process.env['PATH'], HOLDFAST_URL: url, HOLDFAST_API_KEY: API_KEY, ...environment };
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, [COMMAND, ...args], { env });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.on('error', reject);
    child.on('close', (status) => done({ status, out, err }));
  });
}

test('orders list: a table with amounts as people read them', async () => {
  const exception = { kind: 'void_failed', message: 'm', owner: 'payments', raisedAt: 't' } as const;
  fakes.orders.set('ord_2', orderView('ord_2', { currency: 'jpy', exception }));
  const { status, out } = await holdfast([
    'orders',
    'list',
    '--state',
    'allocated',
    '--waiting-on',
    'warehouse',
    '--limit',
    '5',
  ]);
  expect(status).toBe(0);
  expect(out).toContain('│ ord_1 │ allocated │ authorized │ 49.99 EUR │ 0.00 EUR │ warehouse │');
  expect(out).toMatch(/ord_2 .*4999 JPY .*void_failed/);
  expect(fakes.listed).toEqual([{ state: 'allocated', waitingOn: 'warehouse', limit: 5 }]);
});

test('orders list prints that there are none', async () => {
  fakes.orders.clear();
  expect(await holdfast(['orders', 'list'])).toMatchObject({ status: 0, out: 'No orders.\n' });
});

test('orders stuck, as JSON for scripts', async () => {
  const { status, out } = await holdfast(['--json', 'orders', 'stuck']);
  expect(status).toBe(0);
  expect(JSON.parse(out)).toEqual({ orders: [orderView('ord_1')] });
  expect(fakes.listed).toEqual([{ now: '2026-03-01T12:00:00.000Z', limit: 50 }]);
});

test('notices: what was sent, which subject it is about, and what is in doubt', async () => {
  const { status, out } = await holdfast(['notices', '--refund', 'ref_1', '--status', 'in_doubt', '--limit', '5']);
  expect(status).toBe(0);
  for (const text of [
    'refund:ref_1:done',
    'refund_done',
    'refund ref_1',
    'in_doubt',
    'webhook',
    'its answer was lost',
  ]) {
    expect(out).toContain(text);
  }
  expect(fakes.listed).toEqual([{ subject: { type: 'refund', id: 'ref_1' }, status: 'in_doubt', limit: 5 }]);
});

test('notices of an order, as JSON for scripts', async () => {
  const { status, out } = await holdfast(['--json', 'notices', '--order', 'ord_1']);
  expect(status).toBe(0);
  expect(JSON.parse(out)).toEqual({ notices: [noticeView()] });
  expect(fakes.listed).toEqual([{ orderId: 'ord_1', limit: 50 }]);
});

test('notices resend: the outcome, and why it was refused', async () => {
  const sent = await holdfast(['notices', 'resend', 'refund:ref_1:done']);
  expect(sent).toMatchObject({ status: 0, out: expect.stringContaining('queued') });
  expect(fakes.sentAgain).toMatchObject([{ noticeKey: 'refund:ref_1:done' }]);
  fakes.sendAgainAnswer = { accepted: false, reason: 'no_longer_true' };
  const refused = await holdfast(['notices', 'resend', 'refund:ref_1:done']);
  expect(refused).toMatchObject({
    status: 1,
    err: expect.stringContaining('The contents of this notice are outdated'),
  });
});

test('notices with an unknown status: used wrongly', async () => {
  expect(await holdfast(['notices', '--status', 'lost'])).toMatchObject({ status: 2, out: '' });
});

test('orders show: the order, its lines, its shipments', async () => {
  const lines = [{ sku: 'MUG-1', quantity: 1 }];
  const shipment = { shipmentId: 'dhl/1', lines, carrier: 'dhl', trackingNumber: '1', amount: 2_500, shippedAt: 't1' };
  fakes.orders.set('ord_1', orderView('ord_1', { shipments: [shipment] }));
  const { status, out } = await holdfast(['orders', 'show', 'ord_1']);
  expect(status).toBe(0);
  for (const text of ['warehouse until 2026-03-08', '20.00 EUR', '1 × MUG-1', '25.00 EUR']) expect(out).toContain(text);
});

test.each<[string[], string, unknown]>([
  [
    [
      'ship',
      'ord_1',
      '--line',
      'MUG-1=1',
      '--line',
      'CAP-1=2',
      '--carrier',
      'dhl',
      '--tracking',
      'JD 1',
      '--warehouse',
      'w1',
    ],
    'ship',
    {
      lines: [
        { sku: 'MUG-1', quantity: 1 },
        { sku: 'CAP-1', quantity: 2 },
      ],
      carrier: 'dhl',
      trackingNumber: 'JD 1',
      warehouseId: 'w1',
    },
  ],
  [['cancel', 'ord_1', '--reason', 'fraud'], 'cancel', { reason: 'fraud' }],
  [['deliver', 'ord_1'], 'deliver', {}],
  [['deliver', 'ord_1', '--shipment', 'dhl/JD 1'], 'deliver', { shipmentId: 'dhl/JD 1' }],
  [['decide', 'ord_1', '--action', 'capture'], 'decideHold', { action: 'capture' }],
])('%j', async (args, verb, body) => {
  fakes.answer = () => ({ accepted: true, state: 'allocated' });
  const { status, out, err } = await holdfast([...args, '--idempotency-key', 'k']);
  expect(err).toBe('');
  expect(status).toBe(0);
  expect(out).toContain('allocated');
  const key = { idempotencyKey: expect.stringMatching(/:k$/) as string };
  expect(fakes.sent).toMatchObject([{ verb, args: ['ord_1', body, key] }]);
});

describe('refused or failed: status 1', () => {
  test('a refusal is printed in words', async () => {
    fakes.answer = () => ({ accepted: false, reason: 'captured_needs_refund', message: 'Its money was captured.' });
    expect(await holdfast(['cancel', 'ord_1', '--reason', 'x'])).toEqual({
      status: 1,
      out: '',
      err: 'holdfast: Its money was captured. (captured_needs_refund)\n',
    });
  });

  test('and as JSON for scripts', async () => {
    const { status, err } = await holdfast(['--json', 'orders', 'show', 'ord_9']);
    expect(status).toBe(1);
    expect(JSON.parse(err)).toMatchObject({ status: 404, code: 'not_found' });
  });

  test('wrong fields are named', async () => {
    const { status, err } = await holdfast(['ship', 'ord_1', '--line', 'MUG-1=0', '--carrier', ' ', '--tracking', 'x']);
    expect(status).toBe(1);
    expect(err).toContain('\n  lines.0.quantity: must be at least 1\n  carrier: ');
    expect(fakes.sent).toEqual([]);
  });

  test('a wrong API key', async () => {
    const { status, err } = await holdfast(['orders', 'list'], { HOLDFAST_API_KEY: 'wrong' });
    expect([status, err]).toEqual([1, 'holdfast: The API key is not known (wrong_api_key)\n']);
  });

  test('no gateway', async () => {
    const gone = await startGateway(createFakes());
    await gone.gateway.close();
    const { status, err } = await holdfast(['orders', 'list'], { HOLDFAST_URL: gone.url });
    expect(status).toBe(1);
    expect(err).toBe(`holdfast: The gateway at ${gone.url} cannot be reached: ECONNREFUSED\n`);
  });
});

describe('used wrongly: status 2, and nothing is sent', () => {
  test.each<[string[], Record<string, string>, RegExp]>([
    [['orders', 'list'], { HOLDFAST_API_KEY: '' }, /HOLDFAST_API_KEY is not set/],
    [['orders', 'list'], { HOLDFAST_URL: 'nowhere' }, /HOLDFAST_URL is not an http/],
    [['orders', 'list', '--state', 'lost'], {}, /Allowed choices are placed, paid/],
    [['orders', 'list', '--limit', 'many'], {}, /whole number/],
    [['ship', 'ord_1', '--line', 'MUG-1', '--carrier', 'd', '--tracking', 't'], {}, /SKU=QUANTITY/],
    [['cancel', 'ord_1'], {}, /--reason/],
    [['cancel', '--reason', 'x'], {}, /orderId/],
    [['dance'], {}, /unknown command/],
  ])('%j', async (args, environment, message) => {
    const { status, out, err } = await holdfast(args, environment);
    expect(status).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(message);
    expect(fakes.sent).toEqual([]);
  });
});

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(resolve(__dirname, '../../../package.json'), 'utf8')) as {
    version: string;
  };
  expect(await holdfast(['--version'])).toEqual({ status: 0, out: `${version}\n`, err: '' });
});

test('--help shows commands, environment and exit statuses', async () => {
  const { status, out } = await holdfast(['--help']);
  expect(status).toBe(0);
  for (const text of ['orders', 'ship', 'cancel', 'deliver', 'decide', 'HOLDFAST_API_KEY', 'Exit status']) {
    expect(out).toContain(text);
  }
});
