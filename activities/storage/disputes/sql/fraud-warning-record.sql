-- $1 warning id, $2 order id, $3 PaymentIntent id, $4 charge id, $5 fraud type, $6 actionable, $7 received at, $8 until, $9 now
INSERT INTO fraud_warnings (warning_id, order_id, payment_intent_id, charge_id, fraud_type, actionable, received_at, until,
  recorded_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::timestamptz, $9)
ON CONFLICT (warning_id) DO UPDATE SET actionable = excluded.actionable, fraud_type = excluded.fraud_type,
  updated_at = excluded.updated_at
