-- $1 order id, $2 [{sku, shipped, cancelled}]
UPDATE order_lines l SET shipped = x.shipped, cancelled = x.cancelled
FROM jsonb_to_recordset($2::jsonb) AS x(sku text, shipped integer, cancelled integer)
WHERE l.order_id = $1 AND l.sku = x.sku
