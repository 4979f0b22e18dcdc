-- $1 workflow id, $2 day, $3 message, $4 now
INSERT INTO exceptions (subject_type, subject_id, workflow_id, kind, message, owner, raised_at)
VALUES ('settlement', $2, $1, 'settlement_difference', $3, 'payments', $4)
ON CONFLICT (workflow_id, kind) WHERE resolved_at IS NULL DO NOTHING
