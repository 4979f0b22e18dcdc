-- The order that has a refund with this id. $1 refund id
SELECT order_id AS "orderId" FROM refunds WHERE refund_id = $1
