import type { Pool } from 'pg';
import type { DomainEvent } from '../../../workflows/domain/shared/events';
import { run, transact } from '../postgres/database';
import { utc } from '../orders/record';
import { statement } from '../postgres/statements';

const sql = {
  lock: statement('outbox-lock'),
  claim: statement('outbox-claim'),
  publish: statement('outbox-publish'),
  count: statement('outbox-count'),
};

/** Our own events, written in the transaction of the change that they report, until they are published. */
export interface Outbox {
  /** Oldest first, those of one order in their sequence; none while another relay is publishing an earlier one of the same order. */
  claimUnpublished(limit: number, leaseMs: number): Promise<DomainEvent[]>;
  markPublished(eventIds: readonly string[]): Promise<void>;
  countUnpublished(): Promise<number>;
}

export interface OutboxDeps {
  readonly pool: Pool;
  /** Default: the system's clock. */
  readonly now?: () => Date;
}

/** The outbox in Postgres. Events are published at least once: if a relay dies after publishing, its lease ends and another publishes again. */
export function createOutbox(deps: OutboxDeps): Outbox {
  const { pool } = deps;
  const now = deps.now ?? (() => new Date());
  return {
    claimUnpublished: (limit, leaseMs) =>
      transact(pool, async (tx) => {
        const at = now();
        const until = new Date(at.getTime() + leaseMs);
        const [, rows] = await Promise.all([tx.query(sql.lock, []), tx.query<EventRow>(sql.claim, [at, limit, until])]);
        return rows.map(eventOf);
      }),
    async markPublished(eventIds) {
      await run(pool, sql.publish, [eventIds, now()]);
    },
    async countUnpublished() {
      const [row] = await run<{ count: number }>(pool, sql.count, []);
      return row?.count ?? 0;
    },
  };
}

type EventRow = Omit<DomainEvent, 'occurredAt' | 'orderId' | 'subscriptionId'> & {
  readonly aggregate: 'order' | 'subscription';
  readonly id: string;
  readonly occurredAt: Date;
};

function eventOf({ aggregate, id, occurredAt, ...row }: EventRow): DomainEvent {
  const subject = aggregate === 'order' ? { orderId: id } : { subscriptionId: id };
  return { ...row, ...subject, occurredAt: utc(occurredAt) } as DomainEvent;
}
