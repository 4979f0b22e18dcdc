-- $1 event id, $2 done or ignored, $3 now, $4 why it was ignored, where it is another's
UPDATE inbox SET status = $2, finished_at = $3, last_error = $4 WHERE event_id = $1 AND finished_at IS NULL
