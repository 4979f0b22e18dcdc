-- Releases all stock that is still reserved for an order. $1 order id
WITH open AS (
  SELECT r.sku, r.warehouse_id, r.quantity - r.consumed - r.released AS pieces
  FROM reservations r WHERE r.order_id = $1 AND r.consumed + r.released < r.quantity
), locked AS (
  SELECT s.sku, s.warehouse_id, o.pieces
  FROM stock s JOIN open o USING (sku, warehouse_id)
  ORDER BY s.sku, s.warehouse_id
  FOR UPDATE OF s
), given_back AS (
  UPDATE stock s SET reserved = s.reserved - l.pieces
  FROM locked l WHERE s.sku = l.sku AND s.warehouse_id = l.warehouse_id
)
UPDATE reservations r SET released = r.released + l.pieces
FROM locked l WHERE r.order_id = $1 AND r.sku = l.sku AND r.warehouse_id = l.warehouse_id
