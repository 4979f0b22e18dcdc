import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { escapeLiteral, type Client } from 'pg';
import { EXCUSE_PAIRS } from '../../../workflows/domain/exception/excuses';
import { statement } from '../../../activities/storage/postgres/statements';

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
    ['exceptions-open', [PAGE, null]],
    ['exception-get', ['1']],
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
    await client.query(`PREPARE asked AS ${statement(name).text}`);
    const asked = `EXECUTE asked (${values.map(literal).join(', ')})`;
    // As a worker's connection runs it: from the sixth time on, Postgres may use a plan for any values.
    for (let time = 1; time < 6; time += 1) await client.query(`EXPLAIN ${asked}`);
    const { rows } = await client.query(`EXPLAIN (${options}) ${asked}`);
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

/** Fills a migrated, empty database with a shop's year. */
export async function fill(client: Client, orders: number): Promise<void> {
  const text = (await readFile(join(__dirname, 'plan-data.sql'), 'utf8')).replaceAll('$ORDERS', String(orders));
  for (const one of text.split(/;\n/).filter((part) => part.trim() !== '')) await client.query(one);
}
