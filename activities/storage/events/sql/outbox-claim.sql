-- The oldest events that no relay is publishing, except those of which an earlier event of the same order is being published. $1 now, $2 limit, $3 lease until
WITH free AS (
  SELECT o.position FROM outbox o
  WHERE o.published_at IS NULL AND (o.claimed_until IS NULL OR o.claimed_until <= $1)
    AND NOT EXISTS (
      SELECT FROM outbox earlier
      WHERE earlier.order_id = o.order_id AND earlier.sequence < o.sequence AND earlier.published_at IS NULL
        AND earlier.claimed_until > $1)
  ORDER BY o.position
  LIMIT $2
  FOR UPDATE OF o
), claimed AS (
  UPDATE outbox o SET claimed_until = $3 FROM free WHERE o.position = free.position
  RETURNING o.*
)
SELECT event_id AS "eventId", type, version, aggregate, order_id AS id, sequence, occurred_at AS "occurredAt", causation,
  trace_id AS "traceId", data
FROM claimed ORDER BY position
