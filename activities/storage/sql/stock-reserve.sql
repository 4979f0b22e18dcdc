-- $1 order id, $2 [{sku, warehouseId, quantity}], $3 now
WITH taken AS (
  SELECT sku, "warehouseId" AS warehouse_id, quantity
  FROM jsonb_to_recordset($2::jsonb) AS x(sku text, "warehouseId" text, quantity integer)
), promised AS (
  UPDATE stock s SET reserved = s.reserved + t.quantity
  FROM taken t WHERE s.sku = t.sku AND s.warehouse_id = t.warehouse_id
)
INSERT INTO reservations (order_id, sku, warehouse_id, quantity, reserved_at)
SELECT $1, sku, warehouse_id, quantity, $3 FROM taken
