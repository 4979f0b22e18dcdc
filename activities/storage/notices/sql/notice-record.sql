-- Records the outcome; no row if another relay has claimed the notice, or if it was cancelled while nobody was sending it. A notice
-- that was overtaken while it was being sent is not tried again. If the next attempt is at the lease's end, the lease stays.
-- $1 key, $2 lease until, $3 status, $4 done, $5 failed, $6 in doubt, $7 next attempt at, $8 tries to add, $9 now, $10 error
WITH mine AS (
  SELECT notice_key, CASE
    WHEN $3::text <> 'queued' OR overtaken_at IS NULL THEN $3::text
    WHEN $4::text[] <> '{}' THEN 'sent'
    WHEN $6::text[] <> '{}' THEN 'in_doubt'
    ELSE 'canceled' END AS status
  FROM notices
  WHERE notice_key = $1 AND next_attempt_at = $2 AND finished_at IS NULL
  FOR UPDATE
)
UPDATE notices n SET status = mine.status, sending_to = NULL,
  channels_done = $4, channels_failed = $5, channels_in_doubt = $6,
  next_attempt_at = $7, leased = mine.status = 'queued' AND $7 = $2, attempts = n.attempts + $8,
  sent_at = CASE WHEN mine.status = 'sent' THEN $9::timestamptz END,
  finished_at = CASE WHEN mine.status <> 'queued' THEN $9::timestamptz END,
  last_error = $10
FROM mine WHERE n.notice_key = mine.notice_key
RETURNING n.notice_key
