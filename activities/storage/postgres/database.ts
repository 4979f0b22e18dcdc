import { ApplicationFailure } from '@temporalio/common';
import { DatabaseError, Pool, types, type PoolClient, type QueryConfig, type QueryResult } from 'pg';
import { asFailure, unavailable } from './failures';
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
    types: { getTypeParser },
  });
  pool.on('error', options.onIdleError ?? (() => {}));
  return pool;
}

/** As pg's own, except that bigint is a number: amounts, counts and ids are all far below 2^53. */
const getTypeParser = ((oid: number, format?: 'text') =>
  oid === types.builtins.INT8 ? safeInteger : types.getTypeParser(oid, format)) as typeof types.getTypeParser;

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('a bigint in the database is more than a number can hold');
  return value;
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
export function transact<T>(pool: Pool, body: (tx: Transaction) => Promise<T>): Promise<T> {
  return onConnection(pool, async (connection) => {
    try {
      return await runOn(connection, body);
    } catch (error) {
      await connection.rollBack();
      throw error;
    }
  });
}

/** One statement, which is its own transaction. */
export function run<Row>(pool: Pool, statement: Statement, values: readonly unknown[]): Promise<Row[]> {
  return onConnection(pool, (connection) => connection.send<Row>(statement, values));
}

/** One connection while a step has it. */
class Connection {
  /** It broke: what was under way fails for that alone. */
  lost = false;
  /**
   * What Postgres refused first. A statement that fails makes all after it fail with "current transaction is aborted", and which
   * of them is awaited first is chance: only this one tells why.
   */
  firstError: DatabaseError | undefined;

  constructor(private readonly client: PoolClient) {
    client.on('error', this.onLost);
    client.on('end', this.onLost);
  }

  send<Row>({ name, text }: Statement, values: readonly unknown[]): Promise<Row[]> {
    return this.ask({ name, text, values: [...values] }).then((result) => result.rows as Row[]);
  }

  ask(query: string | QueryConfig): Promise<QueryResult> {
    const answer = this.client.query(query);
    // Also keeps those that are not awaited, after one that failed, from being unhandled.
    answer.catch((error: unknown) => {
      if (error instanceof DatabaseError) this.firstError ??= error;
    });
    return answer;
  }

  async rollBack(): Promise<void> {
    await this.client.query('ROLLBACK').catch(this.onLost);
  }

  release(): void {
    this.client.off('error', this.onLost);
    this.client.off('end', this.onLost);
    this.client.release(this.lost);
  }

  private readonly onLost = (): void => {
    this.lost = true;
  };
}

async function onConnection<T>(pool: Pool, body: (connection: Connection) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    // Whatever keeps us from connecting passes, or somebody mends it: nothing was asked yet.
    throw unavailable(error);
  });
  const connection = new Connection(client);
  try {
    return await body(connection);
  } catch (error) {
    throw asFailure(error instanceof ApplicationFailure ? error : (connection.firstError ?? error), connection.lost);
  } finally {
    connection.release();
  }
}

async function runOn<T>(connection: Connection, body: (tx: Transaction) => Promise<T>): Promise<T> {
  const pending: Promise<unknown>[] = [connection.ask('BEGIN')];
  const query: Transaction['query'] = (statement, values) => {
    const answer = connection.send<never>(statement, values);
    answer.catch(ignore);
    return answer;
  };
  const result = await body({ query, write: (statement, values) => void pending.push(query(statement, values)) });
  const commit = connection.ask('COMMIT');
  await Promise.all(pending);
  const { command } = await commit;
  // A statement that nobody awaited failed: Postgres answers a commit with a rollback then.
  if (command !== 'COMMIT') throw connection.firstError ?? new Error(`the transaction ended in ${command}`);
  return result;
}

function ignore(): void {}
