import { ApplicationFailure } from '@temporalio/common';
import { DatabaseError, Pool, types, type PoolClient, type QueryConfig, type QueryResult } from 'pg';
import { asFailure, unavailable } from './failures';
import type { Statement } from './statements';

/** A worker runs some tens of activities at once and each holds a connection for two round trips; Postgres allows 100. */
const MAX_CONNECTIONS = 10;
/** Every statement here takes milliseconds; one that hangs must end before its activity does. */
const STATEMENT_TIMEOUT_MS = 5_000;
/** A transaction that keeps a lock for longer hangs: fail, and let the retry find the lock released. */
const LOCK_TIMEOUT_MS = 3_000;
/** A process that was frozen during a transaction must not keep its locks. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;
/** Longer than a restart of a local Postgres takes to listen, shorter than a caller waits. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Closes the additional connections after a peak. */
const IDLE_TIMEOUT_MS = 30_000;

export interface PoolOptions {
  /** Shown in pg_stat_activity. */
  readonly applicationName?: string;
  readonly maxConnections?: number;
  /** Called for idle connections that break; the pool replaces them by itself. */
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

/** pg's own parsers, except that bigint becomes a number: amounts, counts and ids are all far below 2^53. */
const getTypeParser = ((oid: number, format?: 'text') =>
  oid === types.builtins.INT8 ? safeInteger : types.getTypeParser(oid, format)) as typeof types.getTypeParser;

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('a bigint in the database is too large for a number');
  return value;
}

/** The statements of one transaction. */
export interface Transaction {
  /** Sends the statement at once. Several that are sent before the first is awaited share one round trip. */
  query<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]>;
  /** Sends the statement at once and awaits it together with the commit. */
  write(statement: Statement, values: readonly unknown[]): void;
}

/**
 * Runs one business step as one transaction. The writes of `body` are sent together with the commit, so a step that reads once
 * and then writes takes two round trips.
 *
 * @throws ApplicationFailure as in `asFailure`; the step is rolled back. If the connection broke during the commit, it is unknown
 *   whether the step was committed; every step may be repeated.
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

/** One connection while a step uses it. */
class Connection {
  /** Has the connection broken? If so, everything under way fails for this reason. */
  lost = false;
  /**
   * The first error of Postgres. After a failed statement all later ones fail with "current transaction is aborted", and any of them
   * may be awaited first; only this error gives the reason.
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
    // The handler also keeps statements that nobody awaits from becoming unhandled rejections.
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
    // Retryable whatever the reason, because nothing was sent yet: it passes, or somebody corrects it.
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
  // If a statement that nobody awaited has failed, Postgres answers the commit with a rollback.
  if (command !== 'COMMIT') throw connection.firstError ?? new Error(`the transaction ended in ${command}`);
  return result;
}

function ignore(): void {}
