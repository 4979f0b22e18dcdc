-- $1 event id, $2 error, $3 next attempt at
UPDATE inbox SET status = 'waiting', last_error = $2, next_attempt_at = $3 WHERE event_id = $1 AND finished_at IS NULL
