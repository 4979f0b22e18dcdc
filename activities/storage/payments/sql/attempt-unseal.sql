-- A person has decided that the cancel which sealed a hold is not made. $1 order id, $2 attempt, $3 now
UPDATE payment_attempts SET tombstoned_at = NULL, updated_at = $3
WHERE order_id = $1 AND attempt = $2 AND status = 'authorized'
