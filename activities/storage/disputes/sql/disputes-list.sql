-- Newest first. $1 only open ones (null: all), $2 limit
SELECT d.record FROM dispute_documents d
WHERE $1::boolean IS NULL OR (d.closed_at IS NULL) = $1
ORDER BY d.recorded_at DESC, d.dispute_id DESC
LIMIT $2
