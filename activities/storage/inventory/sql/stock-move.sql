-- Moves reserved pieces to another warehouse. The caller has locked the rows of stock and checked that the other warehouse has
-- the pieces free. $1 order id, $2 [{sku, from, to, quantity}], $3 now
WITH moved AS (
  SELECT sku, "from", "to", quantity
  FROM jsonb_to_recordset($2::jsonb) AS x(sku text, "from" text, "to" text, quantity integer)
), changes AS (
  SELECT sku, "from" AS warehouse_id, -quantity AS pieces FROM moved
  UNION ALL
  SELECT sku, "to", sum(quantity)::integer FROM moved GROUP BY sku, "to"
), stocked AS (
  UPDATE stock s SET reserved = s.reserved + c.pieces
  FROM changes c WHERE s.sku = c.sku AND s.warehouse_id = c.warehouse_id
), given_back AS (
  UPDATE reservations r SET released = r.released + m.quantity
  FROM moved m WHERE r.order_id = $1 AND r.sku = m.sku AND r.warehouse_id = m."from"
)
INSERT INTO reservations AS r (order_id, sku, warehouse_id, quantity, reserved_at)
SELECT $1, sku, "to", sum(quantity)::integer, $3 FROM moved GROUP BY sku, "to"
ON CONFLICT (order_id, sku, warehouse_id) DO UPDATE SET quantity = r.quantity + excluded.quantity
