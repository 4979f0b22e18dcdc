-- Is this order recorded, or a payment attempt for it? $1 order id
SELECT order_id FROM orders WHERE order_id = $1
UNION SELECT order_id FROM payment_attempts WHERE order_id = $1
