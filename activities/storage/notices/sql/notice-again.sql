-- Queues a notice again for the channels that have not certainly delivered it, and wakes the relay; returns a row like notices-list.
-- $1 key, $2 now, $3 who asks
UPDATE notices SET status = 'queued', channels_failed = '{}', channels_in_doubt = '{}', last_error = NULL,
  next_attempt_at = $2, leased = false, finished_at = NULL, asked_again_at = $2, asked_again_by = $3
WHERE notice_key = $1
RETURNING notice_key AS "noticeKey", kind, subject_type AS "subjectType", subject_id AS "subjectId",
  order_id AS "orderId", status, channels_done AS "channels", due_at AS "dueAt", sent_at AS "sentAt", attempts,
  last_error AS "lastError", overtaken_at AS "overtakenAt", asked_again_at AS "askedAgainAt",
  asked_again_by AS "askedAgainBy", pg_notify('holdfast_notices', '') AS "woken"
