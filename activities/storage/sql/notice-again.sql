-- Goes on for the channels that did not take it for certain, and wakes the relay. $1 key, $2 now, $3 who asks
UPDATE notices SET status = 'queued', channels_failed = '{}', channels_in_doubt = '{}', last_error = NULL,
  next_attempt_at = $2, finished_at = NULL, asked_again_at = $2, asked_again_by = $3
WHERE notice_key = $1
RETURNING pg_notify('holdfast_notices', '')
