-- Locks an order before it is read. A separate statement, so that the reads after it see what the last holder wrote.
SELECT order_id FROM orders WHERE order_id = $1 FOR UPDATE
