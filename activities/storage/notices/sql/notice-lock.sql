-- Locks one notice until the transaction ends. $1 key
SELECT status, due_at AS "dueAt", expires_at AS "expiresAt", queued_at AS "queuedAt", overtaken_at AS "overtakenAt"
FROM notices WHERE notice_key = $1 FOR UPDATE
