import type { Pool } from 'pg';
import type { Keyring } from '../crypto';
import { run } from './database';
import { utc } from './order-record';
import { statement } from './statements';

const sql = {
  receive: statement('inbox-receive'),
  claim: statement('inbox-claim'),
  finish: statement('inbox-finish'),
  retry: statement('inbox-retry'),
  count: statement('inbox-count'),
};

/** Errors of providers can be pages long; the first lines say what happened. */
const MAX_ERROR_LENGTH = 1_000;

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

export type InboxStatus = 'pending' | 'waiting' | 'done' | 'ignored';

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
    async retryLater(eventId, error, delayMs) {
      const next = new Date(now().getTime() + delayMs);
      await run(pool, sql.retry, [eventId, error.slice(0, MAX_ERROR_LENGTH), next]);
    },
    async countByStatus() {
      const counts = { pending: 0, waiting: 0, done: 0, ignored: 0, foreign: 0 };
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
    payload: JSON.parse(Buffer.from(keyring.decrypt(row.payload)).toString()) as unknown,
    attempts,
    createdAt: utc(row.createdAt),
    receivedAt: utc(row.receivedAt),
  };
}
