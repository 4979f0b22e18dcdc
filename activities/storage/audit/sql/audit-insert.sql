-- $1 order id, $2 operation key, $3 action, $4 actor, $5 before or null, $6 after, $7 now
INSERT INTO audit_log (order_id, operation_key, action, actor, before, after, at)
VALUES ($1, $2, $3, $4, $5::jsonb, $6::jsonb, $7)
