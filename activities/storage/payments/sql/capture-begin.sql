-- A repeated begin adds no entry to the audit log. $1 key, $2 order id, $3 PaymentIntent id, $4 {amount, final, lines, warehouseId}, $5 now, $6 who asks,
-- $7 the attempt before, $8 and with the capture
WITH begun AS (
  INSERT INTO operations (operation_key, kind, order_id, payment_intent_id, detail, begun_at)
  VALUES ($1, 'capture', $2, $3, $4::jsonb, $5)
  ON CONFLICT (operation_key) DO NOTHING
  RETURNING operation_key, order_id, begun_at
)
INSERT INTO audit_log (order_id, operation_key, action, actor, before, after, at)
SELECT order_id, operation_key, 'begin capture', $6, $7::jsonb, $8::jsonb, begun_at FROM begun
