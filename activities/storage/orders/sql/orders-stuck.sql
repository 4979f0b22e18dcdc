-- Orders that are overdue or have an open exception; the most overdue first. Each arm of the union has its index; one condition for
-- both would read every order. $1 now, $2 limit
WITH stuck AS (
  (SELECT order_id FROM orders WHERE waiting_until < $1 ORDER BY waiting_until, order_id LIMIT $2)
  UNION SELECT order_id FROM exceptions WHERE resolved_at IS NULL AND order_id IS NOT NULL
), first AS (
  SELECT order_id, waiting_until FROM orders JOIN stuck USING (order_id) ORDER BY waiting_until NULLS FIRST, order_id LIMIT $2
)
SELECT o.record FROM first JOIN order_documents o USING (order_id)
ORDER BY first.waiting_until NULLS FIRST, first.order_id
