SELECT order_id AS "orderId" FROM orders WHERE cart_id = $1
