import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Pool } from 'pg';
import { statement } from './statements';

const sql = { applied: statement('schema-applied'), sample: statement('encrypted-sample') };
/** SQLSTATE undefined_table: no migration has run. */
const UNDEFINED_TABLE = '42P01';

/** How a database's schema compares with this build. */
export interface SchemaState {
  /** Migrations of this build that have not run, in order. */
  readonly missing: readonly string[];
  /** Migrations that ran and that this build does not know: a newer build has migrated the database. */
  readonly unknown: readonly string[];
}

/** Compares the migrations that ran with the files of this build. @throws Error of `pg` if the database cannot be reached */
export async function readSchemaState(pool: Pool): Promise<SchemaState> {
  const known = readdirSync(join(__dirname, 'migrations'))
    .filter((file) => file.endsWith('.sql'))
    .map((file) => basename(file, '.sql'))
    .sort();
  const applied = await appliedMigrations(pool);
  return {
    missing: known.filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !known.includes(name)),
  };
}

/** An encrypted value of the newest order, to check the keys with; undefined if there is no order. */
export async function readEncryptedSample(pool: Pool): Promise<Uint8Array | undefined> {
  const { rows } = await pool.query<{ personal_data: Buffer }>(sql.sample);
  return rows[0]?.personal_data;
}

async function appliedMigrations(pool: Pool): Promise<readonly string[]> {
  try {
    const { rows } = await pool.query<{ name: string }>(sql.applied);
    return rows.map(({ name }) => name);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === UNDEFINED_TABLE) return [];
    throw error;
  }
}
