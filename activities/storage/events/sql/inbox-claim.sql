-- Claims due events, each for one dispatcher until its lease ends. $1 now, $2 limit, $3 lease until, $4 lane
WITH due AS (
  SELECT event_id FROM inbox
  WHERE lane = $4 AND status IN ('pending', 'waiting') AND next_attempt_at <= $1
  ORDER BY next_attempt_at
  LIMIT $2
  FOR UPDATE SKIP LOCKED
)
UPDATE inbox i SET next_attempt_at = $3, attempts = i.attempts + 1
FROM due WHERE i.event_id = due.event_id
RETURNING i.event_id AS "eventId", i.provider, i.type, i.object_id AS "objectId",
  i.payment_intent_id AS "paymentIntentId", i.payload, i.attempts, i.created_at AS "createdAt", i.received_at AS "receivedAt"
