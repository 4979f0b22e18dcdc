-- Taken before an order is read, in a statement of its own: the reads after it then see what the last holder wrote.
SELECT order_id FROM orders WHERE order_id = $1 FOR UPDATE
