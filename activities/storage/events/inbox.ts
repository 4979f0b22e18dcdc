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

/** A provider's error can be pages long; its first lines are enough. */
const MAX_ERROR_LENGTH = 1_000;

/** Must fit into a mail and a table cell. */
const MAX_MESSAGE_LENGTH = 500;

/** A provider's event as it was received. */
export interface ProviderEvent {
  readonly eventId: string;
  readonly provider: string;
  readonly type: string;
  readonly objectId?: string;
  readonly paymentIntentId?: string;
  readonly payload: unknown;
  readonly createdAt: string;
}

/** An event that is claimed until its lease ends. */
export interface ClaimedEvent extends ProviderEvent {
  /** How often it was claimed, this time included. */
  readonly attempts: number;
  readonly receivedAt: string;
}

/** Events of one lane do not wait for those of the other. */
export type InboxLane = 'orders' | 'subscriptions';

export type InboxStatus = 'pending' | 'waiting' | 'done' | 'ignored' | 'failed';

/** Counts by status. `foreign`: ignored events about objects that are not ours, e.g. another shop's payment. */
export type InboxCounts = Readonly<Record<InboxStatus | 'foreign', number>>;

/** Provider events, stored once by event id before anything acts on them. */
export interface Inbox {
  /** Resolves after the commit; a duplicate changes nothing. */
  receive(event: ProviderEvent): Promise<'stored' | 'duplicate'>;
  /** Default lane: `orders`. */
  claimDue(limit: number, leaseMs: number, lane?: InboxLane): Promise<ClaimedEvent[]>;
  complete(eventId: string): Promise<void>;
  /** Marks an event that nothing here handles: it is stored and counted. `foreign`: the reason, if its object is not ours. */
  ignore(eventId: string, foreign?: string): Promise<void>;
  /**
   * Marks an event whose handler fails permanently: it is stored and counted, and one exception is opened for all events of its
   * type. `error` must contain no personal data.
   */
  fail(eventId: string, type: string, error: string): Promise<void>;
  /** `error` must contain no personal data. */
  retryLater(eventId: string, error: string, delayMs: number): Promise<void>;
  countByStatus(): Promise<InboxCounts>;
}

export interface InboxDeps {
  readonly pool: Pool;
  readonly keyring: Keyring;
  /** Does a handler exist for this type of event? Others are stored and counted as ignored. Default: all types have one. */
  readonly isActedOn?: (type: string) => boolean;
  /** The lane of a type of event. Default: `orders`. */
  readonly laneOf?: (type: string) => InboxLane;
  /** Default: the system's clock. */
  readonly now?: () => Date;
}

/** The inbox in Postgres; payloads are encrypted, because they contain personal data. */
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
        const message = `${eventId}, and possibly more events of the type ${type}, could not be handled. The regular looks at the provider will find the same changes, only later. Error of the first: ${error}`;
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

/** Undefined if the encryption key is missing: the handler then fails for this event only, not for the others of the round. */
function payloadOf(keyring: Keyring, { payload }: ClaimRow): unknown {
  try {
    return JSON.parse(Buffer.from(keyring.decrypt(payload)).toString()) as unknown;
  } catch {
    return undefined;
  }
}
