-- Does nothing if the key exists. $1 key, $2 kind, $3 subject type, $4 subject id, $5 order id, $6 recipient, $7 data,
-- $8 due at, $9 expires at, $10 quiet hours, $11 now
INSERT INTO notices (notice_key, kind, subject_type, subject_id, order_id, recipient, data, due_at, expires_at, quiet_hours,
  queued_at, next_attempt_at)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8, $9, $10::jsonb, $11::timestamptz, $11)
ON CONFLICT (notice_key) DO NOTHING
RETURNING notice_key
