-- Newest first. $1 state or null, $2 party waited for or null, $3 placed before or null, $4 limit
SELECT o.record FROM order_documents o
WHERE ($1::text IS NULL OR o.state = $1) AND ($2::text IS NULL OR o.waiting_on = $2)
  AND ($3::timestamptz IS NULL OR o.placed_at < $3)
ORDER BY o.placed_at DESC, o.order_id DESC
LIMIT $4
