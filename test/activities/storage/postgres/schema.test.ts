import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createPool } from '../../../../activities/storage';
import { createDatabase, type TestDatabase } from '../../../support/environment';

const root = join(__dirname, '../../../..');
const built = join(root, 'dist/activities/storage/postgres/migrate.js');
const run = promisify(execFile);

let database: TestDatabase;
beforeAll(async () => void (database = await createDatabase()));
afterAll(() => database.drop());

/** In a process of its own: jest cannot load the migration library, which is ESM only. */
async function migrate(url: string): Promise<void> {
  if (!existsSync(built)) throw new Error('dist is missing: npm run build comes before the tests');
  await run(process.execPath, ['-e', `require(${JSON.stringify(built)}).migrate(${JSON.stringify(url)})`]);
}

async function query<Row>(text: string): Promise<Row[]> {
  const pool = createPool(database.url);
  try {
    return (await pool.query(text)).rows as Row[];
  } finally {
    await pool.end();
  }
}

/** Written so that it is the same on every Postgres from 15 on. NOT NULL is a constraint of its own from 18 on. */
const DUMP = `
  SELECT format('%s.%s %s%s%s', table_name, column_name, data_type,
    CASE WHEN is_nullable = 'NO' THEN ' not null' ELSE '' END, coalesce(' default ' || column_default, '')) AS line
  FROM information_schema.columns WHERE table_schema = 'public'
  UNION ALL
  SELECT format('%s constraint %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n' AND conrelid <> 0
  UNION ALL
  SELECT format('%s index %s', tablename, indexdef) FROM pg_indexes WHERE schemaname = 'public'
  UNION ALL
  SELECT format('%s trigger %s', tgrelid::regclass, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal
  ORDER BY 1`;

test('the schema is the one that was reviewed', async () => {
  const lines = (await query<{ line: string }>(DUMP)).map((row) => row.line);
  expect(lines.join('\n')).toMatchSnapshot();
});

test('every migration ran, once, in order; running them again, also at once, changes nothing', async () => {
  const files = readdirSync(join(root, 'activities/storage/postgres/migrations')).map((file) =>
    file.replace(/\.sql$/, ''),
  );
  const applied = 'SELECT name, run_on FROM schema_migrations ORDER BY id';
  const before = await query<{ name: string }>(applied);
  expect(before.map((row) => row.name)).toEqual(files.sort());
  await Promise.all([migrate(database.url), migrate(database.url), migrate(database.url)]);
  expect(await query(applied)).toEqual(before);
});

test('processes that start at once on an empty database all come up', async () => {
  const name = new URL(database.url).pathname.slice(1);
  await query(`CREATE DATABASE ${name}_empty TEMPLATE template0`);
  const url = new URL(database.url);
  url.pathname = `/${name}_empty`;
  try {
    await Promise.all([migrate(url.toString()), migrate(url.toString()), migrate(url.toString())]);
  } finally {
    await query(`DROP DATABASE ${name}_empty WITH (FORCE)`);
  }
});
