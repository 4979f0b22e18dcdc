-- Newest first. $1 placed before, $2 limit
SELECT o.record FROM order_documents o
WHERE o.placed_at < coalesce($1::timestamptz, 'infinity')
ORDER BY o.placed_at DESC, o.order_id DESC
LIMIT $2
