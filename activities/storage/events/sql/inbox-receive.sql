-- $1 event id, $2 provider, $3 type, $4 object id, $5 PaymentIntent id, $6 encrypted payload, $7 created at, $8 now,
-- $9 pending, or ignored if this type of event has no handler, $10 lane
INSERT INTO inbox (event_id, provider, type, object_id, payment_intent_id, payload, created_at, received_at, next_attempt_at,
  status, finished_at, lane)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::timestamptz, $8, $9::text, CASE WHEN $9 = 'ignored' THEN $8::timestamptz END, $10)
ON CONFLICT (event_id) DO NOTHING
RETURNING event_id
