-- Deletes an event only after or together with all earlier events of its order, so that the rest has no gaps.
-- $1 published before, $2 limit
WITH old AS (
  SELECT o.position FROM outbox o
  WHERE o.published_at < $1 AND NOT EXISTS (
    SELECT FROM outbox earlier
    WHERE earlier.order_id = o.order_id AND earlier.sequence < o.sequence
      AND (earlier.published_at IS NULL OR earlier.published_at >= $1 OR earlier.published_at > o.published_at))
  ORDER BY o.published_at, o.position
  LIMIT $2
), gone AS (
  DELETE FROM outbox o USING old WHERE o.position = old.position RETURNING 1
)
SELECT count(*)::integer AS count FROM gone
