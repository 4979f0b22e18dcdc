-- $1 refund id
SELECT one AS record
FROM order_documents o, jsonb_array_elements(o.record -> 'refunds') one
WHERE o.order_id = (SELECT order_id FROM refunds WHERE refund_id = $1) AND one ->> 'refundId' = $1
