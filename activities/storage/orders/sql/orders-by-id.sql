-- $1 order ids
SELECT record FROM order_documents WHERE order_id = ANY ($1)
