import { Client } from 'pg';
import { explain, fill, questions, scannedTables } from '../../../bench/plans/questions';
import { closeConnections, createDatabase, type TestDatabase } from '../../../support/environment';

// The figures at a million orders are in test/bench/plans/QUERY-PLANS.md; here it is only seen that indexes can serve each question.

/** Enough for statistics; a second to make. */
const ORDERS = 2_000;
/** A check of everything reads everything; a list of warnings hashes the disputes, of which there are few. */
const READ_ALL: readonly string[] = ['money-invariants', 'fraud-warnings-list'];

let database: TestDatabase;
let client: Client;
beforeAll(async () => {
  database = await createDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
  await fill(client, ORDERS);
  // On tables as small as these a scan is often cheapest: it shows only where no index can serve.
  await client.query('SET enable_seqscan = off');
});
afterAll(async () => {
  await client.end();
  await database.drop();
  await closeConnections();
});

it.each(questions(new Date()).filter(([name]) => !READ_ALL.includes(name)))(
  '%s %j reads no table from end to end',
  async (name, values) => {
    expect(scannedTables((await explain(client, name, values, false)).Plan)).toEqual([]);
  },
);

it('stuck orders are found by what is overdue and by open exceptions, the most overdue first', async () => {
  const plan = JSON.stringify((await explain(client, 'orders-stuck', [new Date(), 100], false)).Plan);
  expect(plan).toContain('orders_waiting');
  expect(plan).toMatch(/exceptions_open/);
});

it('a day’s settlement reads that day', async () => {
  const [, values = []] = questions(new Date()).find(([name]) => name === 'settlement-positions') ?? [];
  const plan = JSON.stringify((await explain(client, 'settlement-positions', values, false)).Plan);
  for (const index of [
    'ledger_entries_occurred',
    'ledger_entries_captured',
    'ledger_entries_disputed',
    'refund_parts_created',
  ])
    expect(plan).toContain(index);
});
