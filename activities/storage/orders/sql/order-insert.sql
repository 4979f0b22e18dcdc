-- $1 order id, $2 cart id, $20 its fingerprint, $3 channel, $4 currency, $5 capture on, $6 shipping, $7 tax, $8 total, $9 policy, $10 customer
-- id, $11 encrypted personal data, $12 payment method, $13 attempt of the hold, $14 waiting on, $15 until, $16 why,
-- $17 event sequence, $18 trace id, $19 now
INSERT INTO orders (order_id, cart_id, cart_fingerprint, channel, currency, state, payment_state, capture_on, shipping_amount, tax_amount,
  total_amount, policy, customer_id, personal_data, payment_method_id, hold_attempt, waiting_on, waiting_until,
  waiting_why, event_sequence, version, trace_id, placed_at, updated_at)
VALUES ($1, $2, $20, $3, $4, 'allocated', 'authorized', $5, $6, $7, $8, $9::jsonb, $10, $11, $12, $13, $14, $15, $16, $17, 1,
  $18, $19, $19)
