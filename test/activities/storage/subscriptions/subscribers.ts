import type { Pool } from 'pg';
import {
  createPool,
  createSubscriptionQueries,
  createSubscriptionStore,
  type RecordSubscriptionResult,
  type SubscriptionQueries,
  type SubscriptionStore,
} from '../../../../activities/storage';
import type { SubscriptionSnapshot } from '../../../../workflows/domain/subscription/snapshot';
import { createDatabase } from '../../../support/environment';
import { invoiceOf, LOUD_POLICY } from '../../../support/facts/subscription-snapshots';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const START = '2026-01-01T00:00:10.000Z';
export const after = (ms: number, from = START): string => new Date(Date.parse(from) + ms).toISOString();

export type Recorded = Extract<RecordSubscriptionResult, { kind: 'recorded' }>;

/** The store of subscriptions over a database of the test's own, and what it wrote. */
export interface Subscribers {
  readonly pool: Pool;
  readonly store: SubscriptionStore;
  readonly queries: SubscriptionQueries;
  /** Records as the workflow does, or as somebody else who found it so. */
  record(
    snapshot: SubscriptionSnapshot,
    now: string,
    options?: { readonly watching?: boolean; readonly seenVersion?: number },
  ): Promise<Recorded>;
  rows<Row>(text: string, values: unknown[]): Promise<Row[]>;
  eventsOf(subscriptionId: string): Promise<string[]>;
  noticesOf(subscriptionId: string): Promise<{ kind: string; status: string }[]>;
  close(): Promise<void>;
}

export async function openSubscribers(): Promise<Subscribers> {
  const database = await createDatabase();
  const pool = createPool(database.url);
  const store = createSubscriptionStore({ pool });
  const rows = async <Row>(text: string, values: unknown[]): Promise<Row[]> => {
    return (await pool.query(text, values)).rows as Row[];
  };
  return {
    pool,
    store,
    queries: createSubscriptionQueries(pool),
    async record(snapshot, now, options = {}) {
      const seenVersion = options.seenVersion ?? (await store.recordedVersion(snapshot.subscriptionId));
      const watching = options.watching ?? true;
      const input = { snapshot, now, seenVersion, policy: LOUD_POLICY, watching, actor: 'test' };
      const result = await store.recordSubscription(input);
      if (result.kind !== 'recorded') throw new Error(`not recorded: ${result.kind}`);
      return result;
    },
    rows,
    async eventsOf(id) {
      const found = await rows<{ type: string }>('SELECT type FROM outbox WHERE order_id = $1 ORDER BY sequence', [id]);
      return found.map((one) => one.type);
    },
    noticesOf: (id) => rows('SELECT kind, status FROM notices WHERE subject_id = $1 ORDER BY due_at, notice_key', [id]),
    async close() {
      await pool.end();
      await database.drop();
    },
  };
}

/** A renewal whose first try failed an hour after the period's end. */
export const failing = (changes = {}) =>
  invoiceOf({
    invoiceId: 'in_fails',
    status: 'open',
    createdAt: '2026-02-01T00:00:00.000Z',
    failedAt: '2026-02-01T01:00:00.000Z',
    nextAttemptAt: '2026-02-03T00:00:00.000Z',
    declineCode: 'insufficient_funds',
    hostedUrl: 'https://invoice.test/in_fails?token=abc',
    ...changes,
  });
