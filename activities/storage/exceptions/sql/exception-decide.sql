-- A person's decision on an open exception, with its entry in the audit log.
-- $1 workflow id, $2 kind, $3 action, $4 who, $5 note or null, $6 now, $7 close it
WITH decided AS (
  UPDATE exceptions SET resolution = $3, resolved_by = $4, note = $5,
    resolved_at = CASE WHEN $7 THEN greatest($6::timestamptz, raised_at) END
  WHERE workflow_id = $1 AND kind = $2 AND resolved_at IS NULL
  RETURNING *
)
INSERT INTO audit_log (order_id, subject_type, subject_id, operation_key, action, actor, after, at)
SELECT order_id, subject_type, subject_id, 'exception:' || exception_id, 'decide exception', $4,
  jsonb_build_object('exception', kind, 'action', $3::text, 'note', $5::text, 'closed', $7::boolean), $6
FROM decided
RETURNING order_id AS "orderId"
