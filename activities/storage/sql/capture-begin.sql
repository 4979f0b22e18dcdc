-- $1 key, $2 order id, $3 PaymentIntent id, $4 {amount, final}, $5 now
INSERT INTO operations (operation_key, kind, order_id, payment_intent_id, detail, begun_at)
VALUES ($1, 'capture', $2, $3, $4::jsonb, $5)
ON CONFLICT (operation_key) DO NOTHING
