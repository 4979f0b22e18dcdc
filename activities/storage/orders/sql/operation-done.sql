-- $1 key, $2 kind, $3 order id, $4 PaymentIntent id or null, $5 now
INSERT INTO operations AS o (operation_key, kind, order_id, payment_intent_id, begun_at, done_at)
VALUES ($1, $2, $3, $4, $5, $5)
ON CONFLICT (operation_key) DO UPDATE SET done_at = coalesce(o.done_at, excluded.done_at)
