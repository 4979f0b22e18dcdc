-- $1 created before, $2 limit
WITH old AS (
  SELECT scope, key FROM idempotency_keys WHERE created_at < $1
  ORDER BY created_at
  LIMIT $2
  FOR UPDATE SKIP LOCKED
), gone AS (
  DELETE FROM idempotency_keys k USING old WHERE k.scope = old.scope AND k.key = old.key RETURNING 1
)
SELECT count(*)::integer AS count FROM gone
