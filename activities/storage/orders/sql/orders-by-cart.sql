-- $1 cart id
SELECT o.record FROM order_documents o WHERE o.cart_id = $1
