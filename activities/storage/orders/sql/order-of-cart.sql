-- $1 cart id
SELECT order_id AS "orderId", cart_fingerprint AS "cartFingerprint" FROM orders WHERE cart_id = $1
