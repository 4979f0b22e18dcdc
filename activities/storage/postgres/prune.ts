import type { Pool } from 'pg';
import { run } from './database';
import { statement, type Statement } from './statements';

const sql = {
  inbox: statement('inbox-prune'),
  outbox: statement('outbox-prune'),
  idempotencyKeys: statement('idempotency-prune'),
  notices: statement('notices-prune'),
  providerKeys: statement('provider-keys-prune'),
  operations: statement('operations-prune'),
  auditLog: statement('audit-prune'),
  authorizationResults: statement('authorization-results-prune'),
};

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * Finished provider events, counted from their end. Stripe lists events of the last 30 days, so for that time an event may come
 * again and must be recognized as a duplicate; one day more covers a listing that began earlier. A still later repetition would
 * only cause a fresh look that finds nothing new: too short a time costs work, too long a time disk, neither costs money.
 * Source: Stripe API reference, "List all events".
 */
const INBOX_KEPT_MS = 31 * DAY_MS;

/**
 * Our own events, counted from their publication. Their consumers have them; here they only help to look back one month, and the
 * audit log, which is kept for years, has the same information. money-invariants.sql relies on the same 30 days.
 */
const OUTBOX_KEPT_MS = 30 * DAY_MS;

/**
 * Answers of the gateway, counted from their request: as long as Stripe keeps its own keys, which callers' retries expect. A
 * request that is repeated later runs again; because every effect is keyed by business ids, it returns what was done before.
 */
const IDEMPOTENCY_KEPT_MS = 24 * HOUR_MS;

/**
 * Notices, counted from when they were sent, cancelled or given up: a quarter of a year answers most questions whether a customer
 * was notified. A notice that is queued again under its key later would be sent again, but steps are repeated only within days.
 */
const NOTICES_KEPT_MS = 90 * DAY_MS;

/**
 * Numbers of idempotency keys, counted from their last change. The provider forgets keys after a day, and an operation this old
 * is looked up before it is sent again.
 */
const PROVIDER_KEYS_KEPT_MS = 90 * DAY_MS;

/** How long records are kept that a shop may have to present or look up. Days. */
export interface Retention {
  /** Who did what: the longest legal retention of books, e.g. ten years in Germany (Handelsgesetzbuch, section 257). */
  readonly auditLogDays: number;
  /**
   * Keys and tombstones of effects, counted from the last change of an order that is over. They guard against late attempts while
   * something may still retry: activities end within a day, provider keys live 24 h, a refund is watched for 60 days. Half a year is
   * three times that; below 90 days an undone effect might be done again.
   */
  readonly operationsDays: number;
  /** Answers of banks: a whole year and the month to compare it with. */
  readonly authorizationResultsDays: number;
}

export const DEFAULT_RETENTION: Retention = { auditLogDays: 3_653, operationsDays: 180, authorizationResultsDays: 396 };
/** Shorter times would delete records that are still needed. */
export const LEAST_RETENTION: Retention = { auditLogDays: 365, operationsDays: 90, authorizationResultsDays: 31 };

/** Some ten milliseconds a batch: far below the statement time-out, and no lock is held for long. */
const BATCH_ROWS = 1_000;
/** Half a million rows of each table in one call: what 15 orders a second leave in an hour. The next call continues. */
const MAX_BATCHES = 500;

/** Rows deleted. */
export interface Pruned {
  readonly inbox: number;
  readonly outbox: number;
  readonly idempotencyKeys: number;
  readonly notices: number;
  readonly providerKeys: number;
  readonly operations: number;
  readonly auditLog: number;
  readonly authorizationResults: number;
}

/**
 * Deletes records that are no longer needed: finished provider events and notices, published events, answers to old requests, and,
 * after months or years, the audit log, operations of orders that are over, and answers of banks. It never deletes from the ledger,
 * nor anything unfinished. It may run twice at once and be interrupted anywhere: every batch is its own transaction.
 *
 * @throws ApplicationFailure `StorageUnavailable`; batches before it stay deleted
 */
export async function prune(pool: Pool, now: Date, retention: Retention = DEFAULT_RETENTION): Promise<Pruned> {
  const { auditLogDays, operationsDays, authorizationResultsDays } = retention;
  const before = (keptMs: number): Date => new Date(now.getTime() - keptMs);
  return {
    inbox: await pruneTable(pool, sql.inbox, before(INBOX_KEPT_MS)),
    outbox: await pruneTable(pool, sql.outbox, before(OUTBOX_KEPT_MS)),
    idempotencyKeys: await pruneTable(pool, sql.idempotencyKeys, before(IDEMPOTENCY_KEPT_MS)),
    notices: await pruneTable(pool, sql.notices, before(NOTICES_KEPT_MS)),
    providerKeys: await pruneTable(pool, sql.providerKeys, before(PROVIDER_KEYS_KEPT_MS)),
    operations: await pruneTable(pool, sql.operations, before(operationsDays * DAY_MS)),
    auditLog: await pruneTable(pool, sql.auditLog, before(auditLogDays * DAY_MS)),
    authorizationResults: await pruneTable(pool, sql.authorizationResults, before(authorizationResultsDays * DAY_MS)),
  };
}

async function pruneTable(pool: Pool, batch: Statement, before: Date): Promise<number> {
  let pruned = 0;
  for (let index = 0; index < MAX_BATCHES; index += 1) {
    const [row] = await run<{ count: number }>(pool, batch, [before, BATCH_ROWS]);
    const count = row?.count ?? 0;
    pruned += count;
    if (count < BATCH_ROWS) break;
  }
  return pruned;
}
