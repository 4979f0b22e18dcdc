-- Claims due notices, each for one relay until its lease ends, including those of a relay that died while sending. Notices to one
-- recipient about one subject are sent one after the other, in the order in which they were queued: a later one waits while an
-- earlier one is due or claimed, but not for one that is tried again later. $1 now, $2 limit, $3 lease until
WITH due AS (
  SELECT notice_key FROM notices d
  WHERE finished_at IS NULL AND next_attempt_at <= $1
    AND NOT EXISTS (
      SELECT FROM notices e
      WHERE e.subject_type = d.subject_type AND e.subject_id = d.subject_id AND e.recipient = d.recipient
        AND e.finished_at IS NULL AND (e.leased OR e.next_attempt_at <= $1)
        AND (e.queued_at, e.notice_key) < (d.queued_at, d.notice_key)
    )
  ORDER BY next_attempt_at
  LIMIT $2
  FOR UPDATE SKIP LOCKED
)
UPDATE notices n SET next_attempt_at = $3, leased = true
FROM due WHERE n.notice_key = due.notice_key
RETURNING n.notice_key AS "noticeKey", n.kind, n.subject_type AS "subjectType", n.subject_id AS "subjectId",
  n.order_id AS "orderId", n.recipient, n.data, n.due_at AS "dueAt", n.expires_at AS "expiresAt",
  n.quiet_hours AS "quietHours", n.queued_at AS "queuedAt", n.attempts, n.channels_done AS "done",
  n.channels_failed AS "failed", n.channels_in_doubt AS "inDoubt", n.sending_to AS "sendingTo",
  n.last_error AS "lastError", n.asked_again_at AS "askedAgainAt", n.overtaken_at IS NOT NULL AS "isOvertaken",
  n.next_attempt_at AS "leaseUntil"
