-- $1 finished before, $2 limit
WITH old AS (
  SELECT event_id FROM inbox WHERE finished_at < $1
  ORDER BY finished_at
  LIMIT $2
  FOR UPDATE SKIP LOCKED
), gone AS (
  DELETE FROM inbox i USING old WHERE i.event_id = old.event_id RETURNING 1
)
SELECT count(*)::integer AS count FROM gone
