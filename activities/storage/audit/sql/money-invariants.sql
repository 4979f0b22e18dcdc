-- Every row is a broken invariant. $1 now, $2 [{kind, check}]: what an open exception of each kind excuses
WITH remaining AS (
  SELECT o.order_id, l.sku, sum(l.quantity - l.shipped - l.cancelled) AS pieces
  FROM orders o JOIN order_lines l USING (order_id) GROUP BY o.order_id, l.sku
), promised AS (
  SELECT order_id, sku, sum(quantity - consumed - released) AS pieces FROM reservations GROUP BY order_id, sku
), ledger AS (
  SELECT order_id, attempt,
    coalesce(sum(amount) FILTER (WHERE kind = 'authorized'), 0) AS authorized,
    coalesce(sum(amount) FILTER (WHERE kind = 'captured'), 0) AS captured,
    coalesce(sum(amount) FILTER (WHERE kind = 'released'), 0) AS released,
    coalesce(sum(CASE kind WHEN 'refund_pending' THEN amount WHEN 'refunded' THEN -amount WHEN 'refund_failed' THEN -amount
      END), 0) AS pending,
    coalesce(sum(CASE kind WHEN 'refunded' THEN amount WHEN 'refund_reversed' THEN -amount END), 0) AS refunded,
    coalesce(sum(amount) FILTER (WHERE kind = 'refunded_outside'), 0) AS outside,
    coalesce(sum(CASE kind WHEN 'dispute_withdrawn' THEN amount WHEN 'dispute_reinstated' THEN -amount END), 0) AS disputed
  FROM ledger_entries GROUP BY order_id, attempt
), part_ledger AS (
  SELECT operation_key,
    sum(CASE kind WHEN 'refund_pending' THEN amount WHEN 'refunded' THEN -amount WHEN 'refund_failed' THEN -amount ELSE 0
      END) AS pending,
    sum(CASE kind WHEN 'refunded' THEN amount WHEN 'refund_reversed' THEN -amount ELSE 0 END) AS refunded
  FROM ledger_entries WHERE kind IN ('refund_pending', 'refunded', 'refund_failed', 'refund_reversed') GROUP BY operation_key
), refund_states AS (
  SELECT r.refund_id, r.order_id, r.state, r.amount, r.settle_by, sum(p.amount) AS of_parts,
    CASE
      WHEN bool_or(p.status = 'requires_action') THEN 'requires_action'
      WHEN bool_or(p.status IN ('begun', 'pending')) THEN 'pending'
      WHEN NOT bool_or(p.status IN ('failed', 'canceled')) THEN 'succeeded'
      WHEN NOT bool_or(p.status IN ('failed', 'canceled') AND p.resolved_at IS NULL) THEN 'resolved'
      WHEN bool_or(p.status IN ('failed', 'succeeded')) THEN 'failed'
      WHEN count(p) > 0 THEN 'canceled'
      WHEN r.resolution IS NOT NULL THEN 'resolved'
      WHEN r.ended_reason IS NOT NULL THEN 'canceled'
      ELSE 'waiting'
    END AS expected,
    bool_or(p.status IN ('failed', 'canceled') AND p.resolved_at IS NULL
      AND p.failure_reason IS DISTINCT FROM 'canceled_by_person') AS is_unresolved,
    EXISTS (SELECT FROM exceptions e WHERE e.workflow_id = 'refund-' || r.refund_id AND e.resolved_at IS NULL) AS is_owned
  FROM refunds r LEFT JOIN refund_parts p USING (refund_id)
  GROUP BY r.refund_id
), given_back AS (
  -- Every requested refund counts, whatever its outcome: money that was not refunded has an owner or a person's decision.
  SELECT order_id, sum(amount) AS amount FROM (
    SELECT order_id, amount FROM refunds WHERE state <> 'waiting'
    UNION ALL SELECT order_id, disputed FROM ledger
  ) back GROUP BY order_id
), excused AS (
  SELECT DISTINCT e.order_id, x."check"
  FROM exceptions e JOIN jsonb_to_recordset($2::jsonb) AS x(kind text, "check" text) USING (kind)
  WHERE e.resolved_at IS NULL AND e.order_id IS NOT NULL
), broken AS (
SELECT 'captured_exceeds_authorized' AS rule, order_id AS "orderId", 'attempt ' || attempt AS detail
FROM ledger WHERE captured + released > authorized
UNION ALL
SELECT 'ledger_differs_from_attempt', a.order_id, 'attempt ' || a.attempt
FROM payment_attempts a LEFT JOIN ledger l USING (order_id, attempt)
WHERE (a.authorized_amount, a.captured_amount, a.released_amount, a.refund_pending_amount, a.refunded_amount,
    a.refunded_outside_amount, a.disputed_amount)
  IS DISTINCT FROM (coalesce(l.authorized, 0), coalesce(l.captured, 0), coalesce(l.released, 0), coalesce(l.pending, 0),
    coalesce(l.refunded, 0), coalesce(l.outside, 0), coalesce(l.disputed, 0))
UNION ALL
SELECT 'refunded_exceeds_captured', order_id, 'attempt ' || attempt
FROM ledger WHERE pending < 0 OR refunded < 0 OR pending + refunded + outside > captured
UNION ALL
SELECT 'refund_differs_from_ledger', p.order_id, p.operation_key || ' is ' || p.status
FROM refund_parts p LEFT JOIN part_ledger l USING (operation_key)
WHERE (coalesce(l.pending, 0), coalesce(l.refunded, 0)) IS DISTINCT FROM (
  CASE WHEN p.status IN ('begun', 'pending', 'requires_action') THEN p.amount ELSE 0 END,
  CASE WHEN p.status = 'succeeded' THEN p.amount ELSE 0 END)
UNION ALL
SELECT 'refund_differs_from_ledger', e.order_id, e.operation_key || ' is no part of a refund'
FROM ledger_entries e
WHERE e.kind IN ('refund_pending', 'refunded', 'refund_failed', 'refund_reversed')
  AND NOT EXISTS (SELECT FROM refund_parts p WHERE p.operation_key = e.operation_key)
UNION ALL
SELECT 'refund_parts_differ', order_id, refund_id || ': ' || of_parts || ' in parts, ' || amount || ' in all'
FROM refund_states WHERE of_parts <> amount
UNION ALL
SELECT 'refund_state_differs', order_id, refund_id || ' is ' || state || ', its parts say ' || expected
FROM refund_states WHERE state <> expected
UNION ALL
-- An hour after the limit, so that the look which opens the exception has happened.
SELECT 'refund_without_owner', order_id, refund_id || ' is ' || state || ', to be settled by ' || settle_by
FROM refund_states
WHERE NOT is_owned AND (is_unresolved
  OR state IN ('waiting', 'pending', 'requires_action') AND settle_by < $1::timestamptz - interval '1 hour')
UNION ALL
SELECT 'hold_without_order', a.order_id, coalesce(a.payment_intent_id, '')
FROM payment_attempts a LEFT JOIN orders o USING (order_id)
WHERE a.authorized_amount > a.captured_amount + a.released_amount
  AND (o.order_id IS NULL OR o.hold_attempt IS DISTINCT FROM a.attempt)
UNION ALL
SELECT 'order_without_money', o.order_id, o.state || ', ' || o.payment_state
FROM orders o
WHERE o.state NOT IN ('delivered', 'cancelled') AND o.hold_attempt IS NULL
  AND o.payment_state <> 'captured' AND (o.payment_deadline IS NULL OR o.payment_deadline < $1)
UNION ALL
SELECT 'shipped_without_capture', o.order_id, s.paid_for || ' shipped, ' || coalesce(l.captured, 0) || ' captured'
FROM orders o
JOIN (SELECT order_id, sum(amount) AS paid_for FROM shipments GROUP BY order_id) s USING (order_id)
LEFT JOIN (SELECT order_id, sum(captured) AS captured FROM ledger GROUP BY order_id) l USING (order_id)
WHERE s.paid_for > coalesce(l.captured, 0)
UNION ALL
SELECT 'captured_without_shipment', o.order_id, coalesce(s.paid_for, 0) || ' shipped, ' || l.captured || ' captured'
FROM orders o
JOIN (SELECT order_id, sum(captured) AS captured FROM ledger GROUP BY order_id) l USING (order_id)
LEFT JOIN (SELECT order_id, sum(amount) AS paid_for FROM shipments GROUP BY order_id) s USING (order_id)
LEFT JOIN given_back g USING (order_id)
WHERE o.state IN ('shipped', 'delivered', 'cancelled') AND l.captured - coalesce(g.amount, 0) > coalesce(s.paid_for, 0)
UNION ALL
SELECT 'reservations_differ', coalesce(r.order_id, p.order_id),
  coalesce(r.sku, p.sku) || ': ' || coalesce(p.pieces, 0) || ' reserved, ' || coalesce(r.pieces, 0) || ' to ship'
FROM remaining r FULL JOIN promised p ON p.order_id = r.order_id AND p.sku = r.sku
WHERE coalesce(r.pieces, 0) <> coalesce(p.pieces, 0)
UNION ALL
SELECT 'stock_differs_from_reservations', '', s.sku || ' in ' || s.warehouse_id
FROM stock s LEFT JOIN (
  SELECT sku, warehouse_id, sum(quantity - consumed - released) AS pieces FROM reservations GROUP BY sku, warehouse_id
) p USING (sku, warehouse_id)
WHERE s.reserved <> coalesce(p.pieces, 0)
UNION ALL
SELECT 'unfinished_without_owner', o.order_id, o.state || ' waits for ' || o.waiting_on || ' until ' || o.waiting_until
FROM orders o
WHERE o.state NOT IN ('delivered', 'cancelled') AND (o.waiting_on IS NULL OR o.waiting_until < $1)
UNION ALL
SELECT 'operation_unfinished', op.order_id, op.operation_key
FROM operations op
WHERE op.kind = 'capture' AND op.done_at IS NULL AND op.undone_at IS NULL
UNION ALL
-- The oldest events of an order are pruned once they were published 30 days ago (../prune.ts), never those after them.
SELECT 'outbox_has_gaps', o.order_id,
  count(x.sequence) || ' events from ' || coalesce(min(x.sequence), 0) || ', the last is ' || o.event_sequence
FROM orders o LEFT JOIN outbox x USING (order_id)
GROUP BY o.order_id
HAVING count(x.sequence) <> o.event_sequence + 1
    - CASE WHEN o.placed_at > $1::timestamptz - interval '30 days' THEN 1
      ELSE coalesce(min(x.sequence), o.event_sequence + 1) END
  OR max(x.sequence) > o.event_sequence
)
SELECT rule, "orderId", detail FROM broken b
WHERE NOT EXISTS (SELECT FROM excused e WHERE e.order_id = b."orderId" AND e."check" = b.rule)
ORDER BY 1, 2, 3
