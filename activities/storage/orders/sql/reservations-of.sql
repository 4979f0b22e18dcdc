SELECT sku, warehouse_id AS "warehouseId", quantity - consumed - released AS quantity
FROM reservations WHERE order_id = $1 AND consumed + released < quantity
ORDER BY sku, warehouse_id
