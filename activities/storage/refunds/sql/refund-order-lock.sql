-- Locks the order of a refund. Send it before the order is read, like order-lock.sql. $1 refund id
SELECT order_id FROM orders WHERE order_id = (SELECT order_id FROM refunds WHERE refund_id = $1) FOR UPDATE
