import { pino } from 'pino';
import { createRateQueries } from '../../../activities/storage';
import { createGatewayClient } from '../../../clients/cli/gateway-client';
import { createProgram } from '../../../clients/cli/program';
import { createGateway, type Gateway } from '../../../clients/gateway';
import type { AuthorizationReport } from '../../../workflows/domain/payment/authorization-rates';
import { closeConnections } from '../../support/environment';
import { openShop, type Shop } from '../../activities/storage/shop';
import { API_KEY, createFakes, NOW, request, type Fakes } from '../support/gateway-fakes';

// From the table to the command line and to Prometheus, over the real storage.

const DAY_MS = 24 * 3_600_000;

let shop: Shop;
let fakes: Fakes;
let gateway: Gateway;
let nowMs: number;
let results = 0;

beforeAll(async () => {
  shop = await openShop();
  await shop.place('ord_1');
});
afterAll(async () => {
  await shop.close();
  await closeConnections();
});
beforeEach(async () => {
  // Each test has years of its own: the table is append-only.
  nowMs = (nowMs ?? NOW) - 3 * 366 * DAY_MS;
  fakes = createFakes();
  const deps = { ...fakes.deps, rates: createRateQueries(shop.pool) };
  gateway = await createGateway(deps, { apiKeys: [API_KEY], logger: pino({ level: 'silent' }), now: () => nowMs });
  await gateway.listen(0, '127.0.0.1');
});
afterEach(() => gateway.close());

interface Result {
  readonly brand?: string;
  readonly funding?: string;
  readonly country?: string;
  readonly networkStatus?: string;
  readonly outcome?: 'authorized' | 'declined';
  readonly withoutCharge?: true;
  readonly agoMs?: number;
}

async function answered(count: number, result: Result): Promise<void> {
  const { brand = 'visa', funding = 'credit', country = 'DE', outcome = 'authorized', agoMs = DAY_MS / 2 } = result;
  for (let one = 0; one < count; one += 1) {
    results += 1;
    const charge = result.withoutCharge === true ? null : `ch_${results}`;
    // Without a charge an attempt has one result only.
    const attempt = 1;
    await shop.sql(
      `INSERT INTO authorization_results (order_id, attempt, charge_id, brand, funding, country, network_status, outcome, at)
       VALUES ('ord_1', $1, $2, $3, $4, $5, $6, $7, $8)`,
      [attempt, charge, brand, funding, country, result.networkStatus ?? null, outcome, new Date(nowMs - agoMs)],
    );
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();

async function rates(query = ''): Promise<AuthorizationReport> {
  const { status, body } = await request(`${gateway.url}/v1/payments/rates${query}`);
  expect(status).toBe(200);
  return body as unknown as AuthorizationReport;
}

test('attempts that never reached a bank are counted apart, and are in no rate', async () => {
  await answered(3, { networkStatus: 'approved_by_network' });
  await answered(1, { outcome: 'declined', networkStatus: 'declined_by_network' });
  await answered(4, { outcome: 'declined', networkStatus: 'not_sent_to_network' });
  await answered(1, { outcome: 'declined', networkStatus: 'reversed_after_approval' });
  await answered(1, { outcome: 'declined', withoutCharge: true });
  // Recorded before the network's status was: a charge was made, so a bank was asked.
  await answered(1, { brand: 'mastercard', funding: 'debit', country: 'FR', outcome: 'declined' });
  await answered(2, { brand: 'amex', outcome: 'declined', networkStatus: 'not_sent_to_network' });
  const visa = { brand: 'visa', funding: 'credit', country: 'DE', authorized: 3, declined: 1, blocked: 6, rate: 0.75 };
  expect(await rates()).toEqual({
    from: iso(nowMs - 7 * DAY_MS),
    to: iso(nowMs),
    total: { authorized: 3, declined: 2, blocked: 8, rate: 0.6 },
    rates: [
      visa,
      { brand: 'amex', funding: 'credit', country: 'DE', authorized: 0, declined: 0, blocked: 2, rate: null },
      { brand: 'mastercard', funding: 'debit', country: 'FR', authorized: 0, declined: 1, blocked: 0, rate: 0 },
    ],
  });
});

test('a window includes its beginning, and not its end', async () => {
  await answered(1, { agoMs: 2 * DAY_MS });
  await answered(1, { agoMs: DAY_MS });
  const window = `?from=${iso(nowMs - 2 * DAY_MS)}&to=${iso(nowMs - DAY_MS)}`;
  expect((await rates(window)).total.authorized).toBe(1);
  expect((await rates(`?from=${iso(nowMs - DAY_MS)}`)).total.authorized).toBe(1);
  expect((await rates(`?to=${iso(nowMs - 3 * DAY_MS)}`)).total).toEqual({
    authorized: 0,
    declined: 0,
    blocked: 0,
    rate: null,
  });
});

test.each([
  ['?from=yesterday', 'from'],
  ['?since=7d', 'since'],
  ['?from=2026-03-01T00:00:00Z&to=2026-03-01T00:00:00Z', 'from'],
  ['?from=2024-01-01T00:00:00Z&to=2026-01-01T00:00:00Z', 'from'],
])('%s is refused by name', async (query, field) => {
  const { status, body } = await request(`${gateway.url}/v1/payments/rates${query}`);
  expect(status).toBe(400);
  expect(JSON.stringify(body['errors'])).toContain(`"${field}"`);
});

describe('holdfast payments rates', () => {
  async function run(...args: string[]): Promise<string> {
    const printed: string[] = [];
    const environment = { HOLDFAST_URL: gateway.url, HOLDFAST_API_KEY: API_KEY };
    const program = createProgram({
      gateway: () => createGatewayClient(environment),
      print: (text) => printed.push(text),
    }).exitOverride();
    for (const command of program.commands) {
      command.exitOverride();
      for (const child of command.commands) child.exitOverride().configureOutput({ writeErr: () => undefined });
    }
    await program.parseAsync(['node', 'holdfast', ...args]);
    return printed.join('\n');
  }

  it('shows a table with the sum of all', async () => {
    await answered(2, {});
    await answered(1, { outcome: 'declined', networkStatus: 'declined_by_network', country: 'AT' });
    const table = await run('payments', 'rates', '--to', iso(nowMs), '--since', '24h');
    expect(table).toMatch(/│ visa +│ credit +│ DE +│ +2 │ +0 │ +0 │ 100\.0 % │/);
    expect(table).toMatch(/│ visa +│ credit +│ AT +│ +0 │ +1 │ +0 │ +0\.0 % │/);
    expect(table).toMatch(/│ all +│ +│ +│ +2 │ +1 │ +0 │ +66\.7 % │/);
    expect(table).toContain(`${iso(nowMs - DAY_MS)} to ${iso(nowMs)}`);
  });

  it('prints JSON for scripts, and says when there is nothing', async () => {
    await answered(1, {});
    const from = iso(nowMs - DAY_MS);
    expect(JSON.parse(await run('--json', 'payments', 'rates', '--from', from))).toMatchObject({
      from,
      total: { authorized: 1, rate: 1 },
    });
    expect(await run('payments', 'rates', '--to', iso(nowMs - 100 * DAY_MS))).toMatch(/^No authorizations from/);
  });

  it.each([
    [['--since', 'soon'], /span like 30m, 24h or 7d/],
    [['--since', '0d'], /span like 30m, 24h or 7d/],
    [['--since', '7d', '--from', '2026-01-01T00:00:00Z'], /cannot be used with/],
  ])('is used wrongly with %j', async (args, message) => {
    await expect(run('payments', 'rates', ...args)).rejects.toThrow(message);
  });
});

test('/metrics shows the last day, the rarest kinds together, once a minute', async () => {
  const scrape = async (): Promise<string> => String((await request(`${gateway.url}/metrics`)).body['text']);
  await answered(2, { agoMs: 25 * 3_600_000 });
  await answered(3, {});
  await answered(1, { outcome: 'declined', networkStatus: 'declined_by_network' });
  for (let country = 0; country < 52; country += 1) await answered(1, { brand: 'jcb', country: `C${country}` });
  const first = await scrape();
  const visa = 'brand="visa",funding="credit",country="DE"';
  expect(first).toContain(`holdfast_authorization_rate{${visa}} 0.75`);
  expect(first).toContain(`holdfast_authorizations{${visa},outcome="declined"} 1`);
  expect(first).toContain(
    'holdfast_authorizations{brand="other",funding="other",country="other",outcome="authorized"} 3',
  );
  expect(first.match(/^holdfast_authorization_rate\{/gm)).toHaveLength(51);
  await answered(1, {});
  expect(await scrape()).toContain(`holdfast_authorizations{${visa},outcome="authorized"} 3`);
  nowMs += 60_000;
  expect(await scrape()).toContain(`holdfast_authorizations{${visa},outcome="authorized"} 4`);
});
