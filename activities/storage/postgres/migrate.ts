import { join } from 'node:path';
import { runner } from 'node-pg-migrate';
import { Client } from 'pg';

/** Any fixed number will do; it must not be the one node-pg-migrate takes for itself. */
const MIGRATION_LOCK = 482_117_305;

/** Ten processes that start at once wait for one another's migrations; one that hangs for longer is reported. */
const LOCK_WAIT_MS = 60_000;

/**
 * Brings a database to the newest schema; does nothing where it is there already. Processes that start at the same
 * moment wait for one another: node-pg-migrate's own lock would make all but one of them fail.
 *
 * Not to be imported by modules that tests run under jest: node-pg-migrate is ESM only.
 *
 * @throws Error of `pg` where the database cannot be reached or a migration fails; what ran before it stays
 */
export async function migrate(databaseUrl: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl, application_name: 'holdfast-migrate' });
  await client.connect();
  try {
    await client.query(`SET lock_timeout = ${LOCK_WAIT_MS}`);
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await runner({
      dbClient: client,
      dir: join(__dirname, 'migrations'),
      migrationsTable: 'schema_migrations',
      direction: 'up',
      count: Infinity,
      checkOrder: true,
      singleTransaction: true,
      noLock: true,
      // What matters is thrown; the rest wonders that migrations are numbered and not dated.
      logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    });
  } finally {
    await client.end();
  }
}

function ignore(): void {}
