-- Everything a step decides on, as one document. $1 order id
SELECT record FROM order_documents WHERE order_id = $1
