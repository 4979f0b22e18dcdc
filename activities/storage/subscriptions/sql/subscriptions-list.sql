-- Newest first. $1 stage or null, $2 party waited for or null, $3 customer at the provider or null, $4 recorded before or null, $5 limit
SELECT s.record FROM subscription_documents s
WHERE ($1::text IS NULL OR s.stage = $1) AND ($2::text IS NULL OR s.waiting_on = $2)
  AND ($3::text IS NULL OR s.stripe_customer_id = $3) AND ($4::timestamptz IS NULL OR s.recorded_at < $4)
ORDER BY s.recorded_at DESC, s.subscription_id DESC
LIMIT $5
