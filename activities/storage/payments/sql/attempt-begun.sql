-- Was this attempt recorded before? $1 order id, $2 attempt
SELECT 1 AS begun FROM payment_attempts WHERE order_id = $1 AND attempt = $2
