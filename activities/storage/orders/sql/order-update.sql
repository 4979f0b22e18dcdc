-- $1 order id, $2 state, $3 payment state, $4 attempt of the open hold, $5 pending PaymentIntent, $6 payment deadline,
-- $7 hold warned at, $8 payment method, $9 waiting on, $10 until, $11 why, $12 event sequence, $13 now
UPDATE orders SET
  state = $2, payment_state = $3, hold_attempt = $4, pending_payment_intent_id = $5, payment_deadline = $6,
  hold_warned_at = $7, payment_method_id = $8, waiting_on = $9, waiting_until = $10, waiting_why = $11,
  event_sequence = $12, updated_at = $13, version = version + 1
WHERE order_id = $1
