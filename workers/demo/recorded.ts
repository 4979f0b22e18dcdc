import type { Pool } from 'pg';

/** The records in Postgres of the carts of one run, as plain rows; the caller adds and compares. */
export interface Recorded {
  readonly orders: readonly RecordedOrder[];
  readonly attempts: readonly RecordedAttempt[];
  /** Per PaymentIntent. */
  readonly ledger: readonly RecordedMoney[];
  /** Pieces left to ship. */
  readonly lines: readonly Pieces[];
  /** Pieces that are still reserved. */
  readonly reservations: readonly Pieces[];
  /** Refunds and chargebacks, per PaymentIntent. */
  readonly back: readonly RecordedBack[];
  /** Open exceptions of orders. */
  readonly exceptions: readonly { readonly orderId: string; readonly kind: string }[];
  /** Orders with an event that is not published. */
  readonly unpublished: readonly string[];
}

export interface RecordedOrder {
  readonly orderId: string;
  readonly state: string;
  readonly paymentState: string;
  readonly total: number;
  readonly waitingOn?: string | undefined;
  readonly waitingUntilMs?: number | undefined;
}

export interface RecordedAttempt {
  readonly orderId: string;
  readonly attempt: number;
  readonly status: string;
  readonly tombstoned: boolean;
  readonly authorized: number;
  readonly captured: number;
  readonly released: number;
}

export interface RecordedMoney {
  readonly paymentIntentId: string;
  readonly authorized: number;
  readonly captured: number;
  readonly released: number;
}

/** Refunds and chargebacks of one payment, in minor units. */
export interface RecordedBack {
  readonly paymentIntentId: string;
  readonly captured: number;
  readonly refundPending: number;
  readonly refunded: number;
  /** Refunded in another way than through the payment provider. */
  readonly outside: number;
  readonly disputed: number;
}

export interface Pieces {
  readonly orderId: string;
  readonly sku: string;
  readonly pieces: number;
}

/** One statement with one row of JSON, so that all data is of the same moment. $1: the prefix of the run's cart ids */
const READ = `
WITH mine AS (
  SELECT order_id FROM payment_attempts WHERE starts_with(cart_id, $1)
  UNION SELECT order_id FROM orders WHERE starts_with(cart_id, $1)
)
SELECT jsonb_build_object(
  'orders', (SELECT coalesce(jsonb_agg(jsonb_build_object(
      'orderId', order_id, 'state', state, 'paymentState', payment_state, 'total', total_amount,
      'waitingOn', waiting_on, 'waitingUntilMs', (extract(epoch FROM waiting_until) * 1000)::bigint)), '[]')
    FROM orders JOIN mine USING (order_id)),
  'attempts', (SELECT coalesce(jsonb_agg(jsonb_build_object(
      'orderId', order_id, 'attempt', attempt, 'status', status, 'tombstoned', tombstoned_at IS NOT NULL,
      'authorized', authorized_amount, 'captured', captured_amount, 'released', released_amount)), '[]')
    FROM payment_attempts JOIN mine USING (order_id)),
  'ledger', (SELECT coalesce(jsonb_agg(to_jsonb(money)), '[]') FROM (
    SELECT payment_intent_id AS "paymentIntentId",
      coalesce(sum(amount) FILTER (WHERE kind = 'authorized'), 0) AS authorized,
      coalesce(sum(amount) FILTER (WHERE kind = 'captured'), 0) AS captured,
      coalesce(sum(amount) FILTER (WHERE kind = 'released'), 0) AS released
    FROM ledger_entries JOIN mine USING (order_id) GROUP BY payment_intent_id) AS money),
  'back', (SELECT coalesce(jsonb_agg(to_jsonb(money)), '[]') FROM (
    SELECT payment_intent_id AS "paymentIntentId",
      coalesce(sum(amount) FILTER (WHERE kind = 'captured'), 0) AS captured,
      coalesce(sum(CASE kind WHEN 'refund_pending' THEN amount WHEN 'refunded' THEN -amount
        WHEN 'refund_failed' THEN -amount END), 0) AS "refundPending",
      coalesce(sum(CASE kind WHEN 'refunded' THEN amount WHEN 'refund_reversed' THEN -amount END), 0) AS refunded,
      coalesce(sum(amount) FILTER (WHERE kind = 'refunded_outside'), 0) AS outside,
      coalesce(sum(CASE kind WHEN 'dispute_withdrawn' THEN amount WHEN 'dispute_reinstated' THEN -amount END), 0)
        AS disputed
    FROM ledger_entries JOIN mine USING (order_id) GROUP BY payment_intent_id) AS money),
  'lines', (SELECT coalesce(jsonb_agg(jsonb_build_object(
      'orderId', order_id, 'sku', sku, 'pieces', quantity - shipped - cancelled)), '[]')
    FROM order_lines JOIN mine USING (order_id)),
  'reservations', (SELECT coalesce(jsonb_agg(jsonb_build_object(
      'orderId', order_id, 'sku', sku, 'pieces', quantity - consumed - released)), '[]')
    FROM reservations JOIN mine USING (order_id)),
  'exceptions', (SELECT coalesce(jsonb_agg(jsonb_build_object('orderId', order_id, 'kind', kind)), '[]')
    FROM exceptions JOIN mine USING (order_id) WHERE resolved_at IS NULL),
  'unpublished', (SELECT coalesce(jsonb_agg(order_id), '[]')
    FROM outbox JOIN mine USING (order_id) WHERE published_at IS NULL)
) AS recorded`;

/** Reads the rows of all carts whose ids begin with `run`. */
export async function readRecorded(pool: Pool, run: string): Promise<Recorded> {
  const { rows } = await pool.query(READ, [run]);
  const [row] = rows as { recorded: Recorded }[];
  if (row === undefined) throw new Error('the database answered with no row');
  // SQL has null where TypeScript has absent.
  const orders = row.recorded.orders.map(({ waitingOn, waitingUntilMs, ...order }) => ({
    ...order,
    waitingOn: waitingOn ?? undefined,
    waitingUntilMs: waitingUntilMs ?? undefined,
  }));
  return { ...row.recorded, orders };
}
