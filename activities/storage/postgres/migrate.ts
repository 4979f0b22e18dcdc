import { join } from 'node:path';
import { runner } from 'node-pg-migrate';
import { Client } from 'pg';

/** Any fixed number except the one that node-pg-migrate uses for its own lock. */
const MIGRATION_LOCK = 482_117_305;

/** Long enough for ten processes that start at once and wait for each other; a longer wait is an error. */
const LOCK_WAIT_MS = 60_000;

/**
 * Brings a database to the newest schema; does nothing if it has it already. Processes that start at the same moment wait for
 * each other: node-pg-migrate's own lock would make all but one of them fail.
 *
 * Not to be imported by modules that tests run under jest: node-pg-migrate is ESM only.
 *
 * @throws Error of `pg` if the database cannot be reached or a migration fails; migrations of earlier runs stay
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
      // Errors are thrown anyway; the other messages only complain that migrations are numbered, not dated.
      logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    });
  } finally {
    await client.end();
  }
}

function ignore(): void {}
