-- Newest first. $1 party waited for, $2 state or null, $3 placed before, $4 limit
SELECT o.record FROM order_documents o
WHERE o.waiting_on = $1 AND ($2::text IS NULL OR o.state = $2) AND o.placed_at < coalesce($3::timestamptz, 'infinity')
ORDER BY o.placed_at DESC, o.order_id DESC
LIMIT $4
