-- $1 order id, $2 workflow id, $3 kind, $4 message, $5 owner, $6 amount at risk, $7 its currency, $8 now
INSERT INTO exceptions (order_id, workflow_id, kind, message, owner, amount_at_risk, currency, raised_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (workflow_id, kind) WHERE resolved_at IS NULL DO NOTHING
RETURNING exception_id
