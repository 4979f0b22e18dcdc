import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { Client, escapeLiteral } from 'pg';
import { EXCUSE_PAIRS } from '../../workflows/domain/exception-excuses';
import { migrate } from '../../activities/storage/migrate';
import { statement } from '../../activities/storage/statements';
import { removePostgresData, startPostgres } from '../../workers/embedded/postgres';

/*
 * `npm run bench:plans`: what the statements that run all day cost in a shop with a million orders behind it. Prints for each the time,
 * the pages read, and the tables that were read from end to end. `HOLDFAST_BENCH_ORDERS` makes it another number.
 */

const DEFAULT_ORDERS = 1_000_000;
const PAGE = 100;
const DAY_MS = 86_400_000;

/** What is asked, and with which values. */
export function questions(now: Date): readonly (readonly [name: string, values: readonly unknown[]])[] {
  const ago = (days: number): Date => new Date(now.getTime() - days * DAY_MS);
  const day = [ago(40), ago(39)];
  const positions = ['charge:pi_500', 'refund:re_rf_31', 'dispute:txn_dp_501'];
  return [
    ['orders-stuck', [now, PAGE]],
    ['orders-list', [null, PAGE]],
    ['orders-list', [ago(100), PAGE]],
    ['orders-by-state', ['allocated', null, PAGE]],
    ['orders-by-state', ['cancelled', ago(100), PAGE]],
    ['orders-waiting-on', ['warehouse', null, null, PAGE]],
    ['orders-waiting-on', ['customer', 'allocated', null, PAGE]],
    ['settlement-positions', [...day, positions]],
    ['settlement-holds', [ago(2)]],
    ['exceptions-open', [PAGE]],
    ['disputes-list', [null, PAGE]],
    ['disputes-list', [true, PAGE]],
    ['disputes-list', [false, PAGE]],
    ['fraud-warnings-list', [true, PAGE]],
    ['refunds-of-payment', ['pi_31', now]],
    ['inbox-claim', [now, PAGE, now, 'payments']],
    ['outbox-claim', [now, PAGE, now]],
    ['notices-claim', [now, PAGE, now]],
    ['notices-list', [null, null, null, 'queued', PAGE]],
    ['notices-list', [null, null, 'ord_500', null, PAGE]],
    ['inbox-prune', [ago(31), 1_000]],
    ['outbox-prune', [ago(30), 1_000]],
    ['notices-prune', [ago(90), 1_000]],
    ['operations-prune', [ago(180), 1_000]],
    ['audit-prune', [ago(3_653), 1_000]],
    ['authorization-results-prune', [ago(396), 1_000]],
    ['authorization-rates', [ago(30), now, 50]],
    ['money-invariants', [now, JSON.stringify(EXCUSE_PAIRS)]],
  ];
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Shared Hit Blocks'?: number;
  readonly 'Shared Read Blocks'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** Tables that a plan reads from end to end. */
export function scannedTables(node: PlanNode): string[] {
  const own = node['Node Type'] === 'Seq Scan' && node['Relation Name'] !== undefined ? [node['Relation Name']] : [];
  return [...own, ...(node.Plans ?? []).flatMap(scannedTables)];
}

interface Explained {
  readonly Plan: PlanNode;
  readonly 'Execution Time'?: number;
}

/** Explains a statement of the product; with `analyze` it runs, and is rolled back. */
export async function explain(
  client: Client,
  name: string,
  values: readonly unknown[],
  analyze = true,
): Promise<Explained> {
  const options = analyze ? 'ANALYZE, BUFFERS, FORMAT JSON' : 'FORMAT JSON';
  await client.query('BEGIN');
  try {
    // As a worker runs it after a few times: prepared, with a plan for any values.
    await client.query(`SET LOCAL plan_cache_mode = force_generic_plan`);
    await client.query(`PREPARE asked AS ${statement(name).text}`);
    const { rows } = await client.query(`EXPLAIN (${options}) EXECUTE asked (${values.map(literal).join(', ')})`);
    return (rows as { 'QUERY PLAN': Explained[] }[])[0]!['QUERY PLAN'][0]!;
  } finally {
    await client.query('ROLLBACK');
    await client.query('DEALLOCATE ALL');
  }
}

function literal(value: unknown): string {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value instanceof Date) return escapeLiteral(value.toISOString());
  return escapeLiteral(Array.isArray(value) ? `{${value.join()}}` : String(value));
}

async function main(): Promise<void> {
  const orders = Number(process.env['HOLDFAST_BENCH_ORDERS'] ?? DEFAULT_ORDERS);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-plans-'));
  const dataDir = join(folder, 'postgres');
  const postgres = await startPostgres({ dataDir, port: 'auto', persistent: false, log: () => undefined });
  const client = new Client({ connectionString: postgres.url });
  try {
    await migrate(postgres.url);
    await client.connect();
    const startedMs = Date.now();
    await fill(client, orders);
    console.log(`${orders} orders generated in ${Math.round((Date.now() - startedMs) / 1000)} s`);
    const table = new Table({
      head: ['statement', 'ms', 'pages', 'read from end to end'],
      style: { head: [], border: [] },
    });
    for (const [name, values] of questions(new Date())) {
      await explain(client, name, values);
      const found = await explain(client, name, values);
      const { 'Shared Hit Blocks': hit = 0, 'Shared Read Blocks': read = 0 } = found.Plan;
      const shown = values
        .map((one) => (one instanceof Date ? one.toISOString().slice(0, 10) : String(one)))
        .join(', ');
      const scanned = [...new Set(scannedTables(found.Plan))].join(', ');
      table.push([`${name} (${shown.slice(0, 50)})`, (found['Execution Time'] ?? 0).toFixed(1), hit + read, scanned]);
    }
    console.log(table.toString());
  } finally {
    await client.end();
    await postgres.stop();
    await removePostgresData(dataDir, () => undefined);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Fills a migrated, empty database with a shop's year. */
export async function fill(client: Client, orders: number): Promise<void> {
  const text = (await readFile(join(__dirname, 'plan-data.sql'), 'utf8')).replaceAll('$ORDERS', String(orders));
  for (const one of text.split(/;\n/).filter((part) => part.trim() !== '')) await client.query(one);
}

if (require.main === module) {
  main().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
