import type { Pool } from 'pg';
import type { SubscriptionStage } from '../../../workflows/domain/subscription/subscription';
import type { SubscriptionView } from '../../../workflows/domain/subscription/view';
import type { Party } from '../../../workflows/domain/shared/waiting';
import { run } from '../postgres/database';
import { exceptionOf } from '../orders/record';
import { statement } from '../postgres/statements';
import { subscriptionRecord, type SubscriptionRow } from './record';

const sql = { load: statement('subscription-load'), list: statement('subscriptions-list') };

/** A page for people; a larger one would occupy a connection for a whole export. */
const MAX_ROWS = 500;

export interface ListSubscriptions {
  readonly stage?: SubscriptionStage;
  readonly waitingOn?: Party;
  readonly stripeCustomerId?: string;
  readonly limit: number;
  /** A `recordedAt`: only those first recorded before it. */
  readonly before?: string;
}

/** Queries of the gateway and the command line. None locks anything, and none shows personal data. */
export interface SubscriptionQueries {
  getSubscription(subscriptionId: string): Promise<SubscriptionView | undefined>;
  /** Newest first. */
  listSubscriptions(filter: ListSubscriptions): Promise<SubscriptionView[]>;
}

/** Answers from Postgres alone, so also while no worker runs. */
export function createSubscriptionQueries(pool: Pool): SubscriptionQueries {
  return {
    async getSubscription(subscriptionId) {
      const [row] = await run<SubscriptionRow>(pool, sql.load, [subscriptionId]);
      return row && viewOf(row);
    },
    async listSubscriptions({ stage, waitingOn, stripeCustomerId, before, limit }) {
      const filter = [stage ?? null, waitingOn ?? null, stripeCustomerId ?? null, before ?? null];
      const rows = await run<SubscriptionRow>(pool, sql.list, [...filter, Math.min(limit, MAX_ROWS)]);
      return rows.map(viewOf);
    },
  };
}

function viewOf(row: SubscriptionRow): SubscriptionView {
  const { facts, notices, changes, exceptions, waiting, recordedAt } = subscriptionRecord(row.record);
  const { told: _told, timeZone: _zone, collectionPaused: _paused, stageSince: _since, ...shown } = facts;
  return {
    ...shown,
    notices,
    changes,
    ...(waiting && { waitingOn: waiting.on, waitingUntil: waiting.until, waitingFor: waiting.why }),
    ...exceptionOf(exceptions),
    recordedAt,
  };
}
