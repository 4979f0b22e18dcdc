-- $1 type of what it is about, $2 its id, $3 operation key, $4 action, $5 actor, $6 before or null, $7 after, $8 now
INSERT INTO audit_log (subject_type, subject_id, operation_key, action, actor, before, after, at)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8)
