-- The order of a refund, with everything that a step decides on. $1 refund id
SELECT record FROM order_documents WHERE order_id = (SELECT order_id FROM refunds WHERE refund_id = $1)
