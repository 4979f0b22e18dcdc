-- $1 type of what it is about, $2 its id, $3 workflow id, $4 kind, $5 message, $6 owner, $7 now
INSERT INTO exceptions (subject_type, subject_id, workflow_id, kind, message, owner, raised_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (workflow_id, kind) WHERE resolved_at IS NULL DO NOTHING
RETURNING exception_id
