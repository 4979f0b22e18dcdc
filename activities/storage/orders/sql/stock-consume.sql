-- Removes shipped pieces from stock and reservations. $1 order id, $2 [{sku, warehouseId, quantity}]
WITH gone AS (
  SELECT sku, "warehouseId" AS warehouse_id, quantity
  FROM jsonb_to_recordset($2::jsonb) AS x(sku text, "warehouseId" text, quantity integer)
), locked AS (
  SELECT s.sku, s.warehouse_id, g.quantity
  FROM stock s JOIN gone g USING (sku, warehouse_id)
  ORDER BY s.sku, s.warehouse_id
  FOR UPDATE OF s
), taken AS (
  UPDATE stock s SET on_hand = s.on_hand - l.quantity, reserved = s.reserved - l.quantity
  FROM locked l WHERE s.sku = l.sku AND s.warehouse_id = l.warehouse_id
)
UPDATE reservations r SET consumed = r.consumed + l.quantity
FROM locked l WHERE r.order_id = $1 AND r.sku = l.sku AND r.warehouse_id = l.warehouse_id
