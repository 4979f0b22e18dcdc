-- Newest first. $1 only open ones (null: all), $2 limit
SELECT w.record FROM fraud_warning_documents w
WHERE $1::boolean IS NULL OR (w.closed_at IS NULL) = $1
ORDER BY w.recorded_at DESC, w.warning_id DESC
LIMIT $2
