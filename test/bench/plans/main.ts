import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { Client } from 'pg';
import { migrate } from '../../../activities/storage/postgres/migrate';
import { removePostgresData, startPostgres } from '../../../workers/embedded/servers/postgres';
import { explain, fill, questions, scannedTables } from './questions';

/*
 * `npm run bench:plans`: what the statements that run all day cost in a shop with a million orders behind it. Prints for each the time,
 * the pages read, and the tables that were read from end to end. `HOLDFAST_BENCH_ORDERS` makes it another number.
 */

const DEFAULT_ORDERS = 1_000_000;
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

if (require.main === module) {
  main().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
