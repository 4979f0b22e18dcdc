import type { Pool } from 'pg';
import type { Keyring } from '../../crypto';
import { run, transact } from '../postgres/database';
import { utc } from '../orders/record';
import { statement } from '../postgres/statements';

const sql = {
  receive: statement('inbox-receive'),
  claim: statement('inbox-claim'),
  finish: statement('inbox-finish'),
  retry: statement('inbox-retry'),
  count: statement('inbox-count'),
  raise: statement('exception-insert-subject'),
};

/** Errors of providers can be pages long; the first lines say what happened. */
const MAX_ERROR_LENGTH = 1_000;

/** A mail and a table cell are shorter. */
const MAX_MESSAGE_LENGTH = 500;

/** A provider's event as it came in. */
export interface ProviderEvent {
  readonly eventId: string;
  readonly provider: string;
  readonly type: string;
  readonly objectId?: string;
  readonly paymentIntentId?: string;
  readonly payload: unknown;
  readonly createdAt: string;
}

/** An event that is claimed until its lease is over. */
export interface ClaimedEvent extends ProviderEvent {
  /** How often it was claimed, this time included. */
  readonly attempts: number;
  readonly receivedAt: string;
}

/** What is due in one lane does not wait behind the other. */
export type InboxLane = 'orders' | 'subscriptions';

export type InboxStatus = 'pending' | 'waiting' | 'done' | 'ignored' | 'failed';

/** As they are counted: `foreign` are those ignored ones that are of something of others, e.g. another shop's payment. */
export type InboxCounts = Readonly<Record<InboxStatus | 'foreign', number>>;

/** Provider events, stored once by event id before anything acts on them. */
export interface Inbox {
  /** Resolves after the commit; a duplicate changes nothing. */
  receive(event: ProviderEvent): Promise<'stored' | 'duplicate'>;
  /** Of `orders` where no lane is named. */
  claimDue(limit: number, leaseMs: number, lane?: InboxLane): Promise<ClaimedEvent[]>;
  complete(eventId: string): Promise<void>;
  /** An event that nothing here acts on: kept and counted. `foreign`: why, where it is of something of others. */
  ignore(eventId: string, foreign?: string): Promise<void>;
  /**
   * An event that cannot be acted on: kept and counted, and a person gets a case, one for all of its type. No personal data in
   * `error`.
   */
  fail(eventId: string, type: string, error: string): Promise<void>;
  /** No personal data in `error`. */
  retryLater(eventId: string, error: string, delayMs: number): Promise<void>;
  countByStatus(): Promise<InboxCounts>;
}

export interface InboxDeps {
  readonly pool: Pool;
  readonly keyring: Keyring;
  /** Kinds of events that somebody acts on; the others are kept and counted, and wake nobody. All of them where absent. */
  readonly isActedOn?: (type: string) => boolean;
  /** The lane of a kind of event; `orders` for all of them where absent. */
  readonly laneOf?: (type: string) => InboxLane;
  /** For tests; the computer's clock otherwise. */
  readonly now?: () => Date;
}

/** The inbox in Postgres; payloads are encrypted, for they name people. */
export function createInbox(deps: InboxDeps): Inbox {
  const { pool, keyring } = deps;
  const now = deps.now ?? (() => new Date());
  const isActedOn = deps.isActedOn ?? (() => true);
  const laneOf = deps.laneOf ?? (() => 'orders');
  const finish = async (eventId: string, status: InboxStatus, why?: string): Promise<void> => {
    await run(pool, sql.finish, [eventId, status, now(), why ?? null]);
  };
  return {
    async receive(event) {
      const payload = keyring.encrypt(Buffer.from(JSON.stringify(event.payload ?? null)));
      const { eventId, provider, type, objectId, paymentIntentId, createdAt } = event;
      const ids = [eventId, provider, type, objectId ?? null, paymentIntentId ?? null];
      const stored = await run(pool, sql.receive, [
        ...ids,
        payload,
        createdAt,
        now(),
        isActedOn(type) ? 'pending' : 'ignored',
        laneOf(type),
      ]);
      return stored.length > 0 ? 'stored' : 'duplicate';
    },
    async claimDue(limit, leaseMs, lane = 'orders') {
      const at = now();
      const rows = await run<ClaimRow>(pool, sql.claim, [at, limit, new Date(at.getTime() + leaseMs), lane]);
      return rows.map((row) => claimedEvent(keyring, row));
    },
    complete: (eventId) => finish(eventId, 'done'),
    ignore: (eventId, foreign) => finish(eventId, 'ignored', foreign),
    fail: (eventId, type, error) =>
      transact(pool, async (tx) => {
        const at = now();
        tx.write(sql.finish, [eventId, 'failed', at, error.slice(0, MAX_ERROR_LENGTH)]);
        const message = `${eventId} and maybe more events of the type ${type} could not be acted on. What they tell of is found by the regular looks at the provider, only later. The first failed so: ${error}`;
        const about = [
          'event',
          eventId,
          `inbox-${type}`,
          'step_failed',
          message.slice(0, MAX_MESSAGE_LENGTH),
          'operations',
        ];
        await tx.query(sql.raise, [...about, at]);
      }),
    async retryLater(eventId, error, delayMs) {
      const next = new Date(now().getTime() + delayMs);
      await run(pool, sql.retry, [eventId, error.slice(0, MAX_ERROR_LENGTH), next]);
    },
    async countByStatus() {
      const counts = { pending: 0, waiting: 0, done: 0, ignored: 0, failed: 0, foreign: 0 };
      for (const row of await run<{ status: keyof InboxCounts; count: number }>(pool, sql.count, [])) {
        counts[row.status] = row.count;
      }
      return counts;
    },
  };
}

interface ClaimRow {
  readonly eventId: string;
  readonly provider: string;
  readonly type: string;
  readonly objectId: string | null;
  readonly paymentIntentId: string | null;
  readonly payload: Buffer;
  readonly attempts: number;
  readonly createdAt: Date;
  readonly receivedAt: Date;
}

function claimedEvent(keyring: Keyring, row: ClaimRow): ClaimedEvent {
  const { eventId, provider, type, objectId, paymentIntentId, attempts } = row;
  return {
    eventId,
    provider,
    type,
    ...(objectId !== null && { objectId }),
    ...(paymentIntentId !== null && { paymentIntentId }),
    payload: payloadOf(keyring, row),
    attempts,
    createdAt: utc(row.createdAt),
    receivedAt: utc(row.receivedAt),
  };
}

/** Undefined where the key is gone: the handler fails on it, while the other events of the round go on. */
function payloadOf(keyring: Keyring, { payload }: ClaimRow): unknown {
  try {
    return JSON.parse(Buffer.from(keyring.decrypt(payload)).toString()) as unknown;
  } catch {
    return undefined;
  }
}
