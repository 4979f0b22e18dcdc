-- Deletes keys and tombstones of orders that are over and have not changed since $1, and of checkouts that never became an order.
-- Orders that are still moving or have an open exception keep theirs. $1 not changed since, $2 limit
WITH old AS (
  SELECT p.operation_key FROM operations p LEFT JOIN orders o USING (order_id)
  WHERE p.begun_at < $1
    AND (o.order_id IS NULL OR (o.state IN ('delivered', 'cancelled') AND o.updated_at < $1))
    AND NOT EXISTS (SELECT FROM exceptions e WHERE e.order_id = p.order_id AND e.resolved_at IS NULL)
    AND NOT EXISTS (
      SELECT FROM refunds r WHERE r.order_id = p.order_id
        AND (r.state IN ('waiting', 'pending', 'requires_action') OR r.updated_at >= $1))
    AND NOT EXISTS (SELECT FROM disputes d WHERE d.order_id = p.order_id AND (d.closed_at IS NULL OR d.updated_at >= $1))
  ORDER BY p.begun_at
  LIMIT $2
  FOR UPDATE OF p SKIP LOCKED
), gone AS (
  DELETE FROM operations p USING old WHERE p.operation_key = old.operation_key RETURNING 1
)
SELECT count(*)::integer AS count FROM gone
