-- $1 finished before, $2 limit
WITH old AS (
  SELECT notice_key FROM notices WHERE finished_at < $1
  ORDER BY finished_at
  LIMIT $2
  FOR UPDATE SKIP LOCKED
), gone AS (
  DELETE FROM notices n USING old WHERE n.notice_key = old.notice_key RETURNING 1
)
SELECT count(*)::integer AS count FROM gone
