-- Newest first. $1 subject type or null, $2 subject id, $3 order id or null, $4 status or null, $5 limit
SELECT notice_key AS "noticeKey", kind, subject_type AS "subjectType", subject_id AS "subjectId", order_id AS "orderId",
  status, channels_done AS "channels", due_at AS "dueAt", sent_at AS "sentAt", attempts, last_error AS "lastError",
  overtaken_at AS "overtakenAt", asked_again_at AS "askedAgainAt", asked_again_by AS "askedAgainBy"
FROM notices
WHERE ($1::text IS NULL OR subject_type = $1 AND subject_id = $2) AND ($3::text IS NULL OR order_id = $3)
  AND ($4::text IS NULL OR status = $4)
ORDER BY queued_at DESC, notice_key DESC
LIMIT $5
