-- $1 [{sku, name, currency, unitAmount, stock: [{warehouseId, onHand}]}], $2 [{warehouseId, name}]
WITH items AS (
  SELECT * FROM jsonb_to_recordset($1::jsonb)
    AS x(sku text, name text, currency text, "unitAmount" bigint, stock jsonb)
), sold AS (
  INSERT INTO catalogue_items (sku, name, currency, unit_amount)
  SELECT sku, name, currency, "unitAmount" FROM items
  ON CONFLICT (sku) DO NOTHING
), houses AS (
  INSERT INTO warehouses (warehouse_id, name)
  SELECT "warehouseId", name FROM jsonb_to_recordset($2::jsonb) AS x("warehouseId" text, name text)
  ON CONFLICT (warehouse_id) DO NOTHING
)
INSERT INTO stock (sku, warehouse_id, on_hand)
SELECT items.sku, place."warehouseId", place."onHand"
FROM items CROSS JOIN LATERAL jsonb_to_recordset(items.stock) AS place("warehouseId" text, "onHand" integer)
ON CONFLICT (sku, warehouse_id) DO NOTHING
