-- What became of it; nothing where another relay has it by now, or where it was taken back while nobody was sending it.
-- $1 key, $2 lease until, $3 status, $4 done, $5 failed, $6 in doubt, $7 next attempt at, $8 tries to add, $9 now, $10 error
UPDATE notices SET status = $3::text, sending_to = NULL, channels_done = $4, channels_failed = $5, channels_in_doubt = $6,
  next_attempt_at = $7, attempts = attempts + $8,
  sent_at = CASE WHEN $3 = 'sent' THEN $9::timestamptz END,
  finished_at = CASE WHEN $3 <> 'queued' THEN $9::timestamptz END,
  last_error = $10
WHERE notice_key = $1 AND next_attempt_at = $2 AND finished_at IS NULL
RETURNING notice_key
