-- Every row is a broken promise. $1 now
WITH remaining AS (
  SELECT o.order_id, l.sku, sum(l.quantity - l.shipped - l.cancelled) AS pieces
  FROM orders o JOIN order_lines l USING (order_id) GROUP BY o.order_id, l.sku
), promised AS (
  SELECT order_id, sku, sum(quantity - consumed - released) AS pieces FROM reservations GROUP BY order_id, sku
), ledger AS (
  SELECT order_id, attempt,
    coalesce(sum(amount) FILTER (WHERE kind = 'authorized'), 0) AS authorized,
    coalesce(sum(amount) FILTER (WHERE kind = 'captured'), 0) AS captured,
    coalesce(sum(amount) FILTER (WHERE kind = 'released'), 0) AS released
  FROM ledger_entries GROUP BY order_id, attempt
), excused AS (
  SELECT order_id FROM exceptions WHERE resolved_at IS NULL AND order_id IS NOT NULL
)
SELECT 'captured_exceeds_authorized' AS rule, order_id AS "orderId", 'attempt ' || attempt AS detail
FROM ledger WHERE captured + released > authorized
UNION ALL
SELECT 'ledger_differs_from_attempt', a.order_id, 'attempt ' || a.attempt
FROM payment_attempts a LEFT JOIN ledger l USING (order_id, attempt)
WHERE (a.authorized_amount, a.captured_amount, a.released_amount)
  IS DISTINCT FROM (coalesce(l.authorized, 0), coalesce(l.captured, 0), coalesce(l.released, 0))
UNION ALL
SELECT 'hold_without_order', a.order_id, coalesce(a.payment_intent_id, '')
FROM payment_attempts a LEFT JOIN orders o USING (order_id)
WHERE a.authorized_amount > a.captured_amount + a.released_amount
  AND (o.order_id IS NULL OR o.hold_attempt IS DISTINCT FROM a.attempt)
  AND a.order_id NOT IN (SELECT order_id FROM excused)
UNION ALL
SELECT 'order_without_money', o.order_id, o.state || ', ' || o.payment_state
FROM orders o
WHERE o.state NOT IN ('delivered', 'cancelled') AND o.hold_attempt IS NULL
  AND o.payment_state NOT IN ('captured', 'payment_needed') AND o.order_id NOT IN (SELECT order_id FROM excused)
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
WHERE o.state IN ('shipped', 'delivered', 'cancelled') AND l.captured > coalesce(s.paid_for, 0)
  AND o.order_id NOT IN (SELECT order_id FROM excused)
UNION ALL
SELECT 'reservations_differ', coalesce(r.order_id, p.order_id),
  coalesce(r.sku, p.sku) || ': ' || coalesce(p.pieces, 0) || ' reserved, ' || coalesce(r.pieces, 0) || ' to ship'
FROM remaining r FULL JOIN promised p ON p.order_id = r.order_id AND p.sku = r.sku
WHERE coalesce(r.pieces, 0) <> coalesce(p.pieces, 0)
  AND coalesce(r.order_id, p.order_id) NOT IN (SELECT order_id FROM excused)
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
  AND o.order_id NOT IN (SELECT order_id FROM excused)
UNION ALL
SELECT 'operation_unfinished', op.order_id, op.operation_key
FROM operations op
WHERE op.kind = 'capture' AND op.done_at IS NULL AND op.undone_at IS NULL
  AND op.order_id NOT IN (SELECT order_id FROM excused)
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
ORDER BY 1, 2, 3
