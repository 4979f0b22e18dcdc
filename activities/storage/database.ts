import { Pool, type PoolClient } from 'pg';
import { asFailure } from './failures';
import type { Statement } from './statements';

/** A worker runs some tens of activities at once and each holds a connection for two round trips; Postgres allows 100. */
const MAX_CONNECTIONS = 10;
/** No statement here takes more than milliseconds; a stuck one must end before its activity does. */
const STATEMENT_TIMEOUT_MS = 5_000;
/** Waiting longer for another transaction's lock means that it hangs: fail, and let the retry find it gone. */
const LOCK_TIMEOUT_MS = 3_000;
/** A process that was frozen in the middle of a transaction must not keep its locks for the others. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;
/** Longer than a restart of a local Postgres' listener, shorter than the patience of a caller. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Connections of a rush are given back when it is over. */
const IDLE_TIMEOUT_MS = 30_000;

export interface PoolOptions {
  /** Named in pg_stat_activity. */
  readonly applicationName?: string;
  readonly maxConnections?: number;
  /** Told of connections that break while nobody uses them; the pool replaces them by itself. */
  readonly onIdleError?: (error: Error) => void;
}

/** The connections of one process. Queries of one transaction are pipelined: sent without waiting for each answer. */
export function createPool(databaseUrl: string, options: PoolOptions = {}): Pool {
  const pool = new Pool({
    connectionString: databaseUrl,
    application_name: options.applicationName ?? 'holdfast',
    max: options.maxConnections ?? MAX_CONNECTIONS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    pipeline: true,
  });
  pool.on('error', options.onIdleError ?? (() => {}));
  return pool;
}

/** The statements of one transaction. */
export interface Transaction {
  /** Sent at once; several may be sent before the first is awaited, which costs one round trip for all. */
  query<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]>;
  /** Sent at once and awaited together with the commit. */
  write(statement: Statement, values: readonly unknown[]): void;
}

/**
 * Runs one business step as one transaction. What `body` writes is sent together with the commit, so a step that reads
 * once and then writes takes two round trips.
 *
 * @throws ApplicationFailure as in `asFailure`; nothing of the step stays then. Where the connection broke during the
 *   commit it is not known whether the step stays: every step may be repeated.
 */
export async function transact<T>(pool: Pool, body: (tx: Transaction) => Promise<T>): Promise<T> {
  let client: PoolClient | undefined;
  let broken = false;
  try {
    client = await pool.connect();
    // A connection that breaks while no answer is awaited would end the process; the next statement fails all the same.
    client.on('error', ignore);
    return await runOn(client, body);
  } catch (error) {
    if (client !== undefined) broken = await rollBack(client);
    throw asFailure(error);
  } finally {
    client?.off('error', ignore);
    client?.release(broken);
  }
}

/** One statement, which is its own transaction. */
export async function run<Row>(pool: Pool, statement: Statement, values: readonly unknown[]): Promise<Row[]> {
  try {
    return (await pool.query({ ...statement, values: [...values] })).rows as Row[];
  } catch (error) {
    throw asFailure(error);
  }
}

async function runOn<T>(client: PoolClient, body: (tx: Transaction) => Promise<T>): Promise<T> {
  const pending: Promise<unknown>[] = [];
  const send = <Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]> => {
    const answer = client.query({ ...statement, values: [...values] }).then((result) => result.rows as Row[]);
    // A query that fails makes those after it fail: only the first is told, the others are not left unhandled.
    answer.catch(() => {});
    return answer;
  };
  const begin = client.query('BEGIN');
  begin.catch(() => {});
  pending.push(begin);
  const result = await body({ query: send, write: (statement, values) => void pending.push(send(statement, values)) });
  const commit = client.query('COMMIT');
  commit.catch(() => {});
  await Promise.all(pending);
  const { command } = await commit;
  if (command !== 'COMMIT') throw new Error(`the transaction ended in ${command}`);
  return result;
}

/** True where the connection is of no use any more. */
async function rollBack(client: PoolClient): Promise<boolean> {
  try {
    await client.query('ROLLBACK');
    return false;
  } catch {
    return true;
  }
}

function ignore(): void {}
