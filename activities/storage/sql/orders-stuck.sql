-- Overdue, or with an open exception; the most overdue first. $1 now, $2 limit
SELECT o.record FROM order_documents o
WHERE o.waiting_until < $1
  OR EXISTS (SELECT FROM exceptions e WHERE e.order_id = o.order_id AND e.resolved_at IS NULL)
ORDER BY o.waiting_until NULLS FIRST, o.order_id
LIMIT $2
