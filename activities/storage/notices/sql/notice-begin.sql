-- Marks a notice as being handed to a channel: from now on it cannot be cancelled. No row if it was cancelled before, or if the lease
-- ran out and another relay has claimed it. $1 key, $2 lease until, $3 channel, $4 new lease until, $5 tries to add
UPDATE notices SET status = 'sending', sending_to = $3, next_attempt_at = $4, attempts = attempts + $5
WHERE notice_key = $1 AND next_attempt_at = $2 AND finished_at IS NULL AND overtaken_at IS NULL
  AND (status = 'queued' OR sending_to = $3)
RETURNING notice_key
