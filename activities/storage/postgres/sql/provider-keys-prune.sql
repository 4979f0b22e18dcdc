-- $1 changed before, $2 limit
WITH old AS (
  SELECT operation_key FROM provider_keys WHERE changed_at < $1
  ORDER BY changed_at
  LIMIT $2
  FOR UPDATE SKIP LOCKED
), gone AS (
  DELETE FROM provider_keys k USING old WHERE k.operation_key = old.operation_key RETURNING 1
)
SELECT count(*)::integer AS count FROM gone
