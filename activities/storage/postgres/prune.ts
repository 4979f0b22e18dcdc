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
 * Finished provider events, by when they were finished. Stripe lists its own events 30 days back, so for as long one may
 * come in again and must be known as a duplicate; a day more, for a listing that began before the clock struck. One that
 * came in later all the same would be acted on by a fresh look at its payment, which finds nothing new: too short a time
 * costs work, too long a time costs disk, neither costs money. Source: Stripe API reference, "List all events".
 */
const INBOX_KEPT_MS = 31 * DAY_MS;

/**
 * Our own events, by when they were published. Their consumers have them; here they only help to look back at a month,
 * and the audit log, which is kept for years, keeps what they told. money-invariants.sql knows of the same 30 days.
 */
const OUTBOX_KEPT_MS = 30 * DAY_MS;

/**
 * Answers of the gateway, by when their request came in: as long as Stripe keeps its own keys, which is what callers'
 * retries are written for. A request that is sent again later is run again, and the business ids that every effect is
 * keyed by make it answer with what was done before.
 */
const IDEMPOTENCY_KEPT_MS = 24 * HOUR_MS;

/**
 * Notices, by when they were sent, taken back or given up: a quarter of a year answers most of "was this customer told?". One that
 * is queued again under its key later would be sent again; steps are repeated within days.
 */
const NOTICES_KEPT_MS = 90 * DAY_MS;

/**
 * Numbers of idempotency keys, by when they last changed. The provider forgets keys after a day, and an operation this old is
 * looked up before it is sent again.
 */
const PROVIDER_KEYS_KEPT_MS = 90 * DAY_MS;
/** For how long what a shop may have to show or to look up is kept. Days. */
export interface Retention {
  /** Who did what: as long as books must be kept where that is longest, e.g. ten years in Germany (Handelsgesetzbuch, section 257). */
  readonly auditLogDays: number;
  /**
   * Keys and tombstones of effects, from the last change of an order that is over. A late attempt can land as long as something still
   * tries: activities end within a day, provider keys live 24 h, a refund is watched for 60 days. Half a year is three times that;
   * below 90 days an undone effect might be done again.
   */
  readonly operationsDays: number;
  /** What banks answered: a whole year and the month to compare it with. */
  readonly authorizationResultsDays: number;
}

export const DEFAULT_RETENTION: Retention = { auditLogDays: 3_653, operationsDays: 180, authorizationResultsDays: 396 };
/** Less than these would lose what is still needed. */
export const LEAST_RETENTION: Retention = { auditLogDays: 365, operationsDays: 90, authorizationResultsDays: 31 };

/** Some ten milliseconds a batch: far below the statement time-out, and no lock is held for long. */
const BATCH_ROWS = 1_000;
/** Half a million rows of each table in one call, which is what 15 orders a second leave in an hour. The next goes on. */
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
 * Deletes what only costs disk: finished provider events and notices, published events, answers to old requests, and, after years
 * or months, the audit log, operations of orders that are over, and banks' answers. Never the ledger, or anything that is not
 * finished. May run anywhere, also twice at once, and be cut off anywhere: every batch is a transaction of its own.
 *
 * @throws ApplicationFailure `StorageUnavailable`; the batches before it stay
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
