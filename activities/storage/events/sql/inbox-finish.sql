-- $1 event id, $2 done, ignored or failed, $3 now, $4 why it failed, or why it is not ours
UPDATE inbox SET status = $2, finished_at = $3, last_error = $4 WHERE event_id = $1 AND finished_at IS NULL
