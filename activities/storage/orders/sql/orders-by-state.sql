-- Newest first. A separate statement, because a statement with an optional filter cannot use the filter's index. $1 state, $2 placed before,
-- $3 limit
SELECT o.record FROM order_documents o
WHERE o.state = $1 AND o.placed_at < coalesce($2::timestamptz, 'infinity')
ORDER BY o.placed_at DESC, o.order_id DESC
LIMIT $3
