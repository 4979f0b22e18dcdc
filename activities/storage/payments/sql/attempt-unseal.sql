-- Removes the tombstone of a hold, after a person gave up the cancel that had sealed it. $1 order id, $2 attempt, $3 now
UPDATE payment_attempts SET tombstoned_at = NULL, updated_at = $3
WHERE order_id = $1 AND attempt = $2 AND status = 'authorized'
