-- $1 event id, $2 done or ignored, $3 now
UPDATE inbox SET status = $2, finished_at = $3, last_error = NULL WHERE event_id = $1 AND finished_at IS NULL
