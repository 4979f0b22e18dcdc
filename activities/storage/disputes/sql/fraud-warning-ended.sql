-- $1 warning id, $2 decision or null, $3 decided by, $4 decided at, $5 refund id, $6 why it ended, $7 when, $8 now
UPDATE fraud_warnings SET decision = coalesce(decision, $2), decided_by = coalesce(decided_by, $3),
  decided_at = coalesce(decided_at, $4), refund_id = coalesce(refund_id, $5), ended = coalesce(ended, $6),
  closed_at = coalesce(closed_at, $7), updated_at = $8
WHERE warning_id = $1
