-- Locks rows in the order (sku, warehouse), like every statement does, so that two carts never wait for each other. $1 skus
SELECT sku, warehouse_id AS "warehouseId", on_hand - reserved AS available
FROM stock WHERE sku = ANY ($1::text[])
ORDER BY sku, warehouse_id
FOR UPDATE
