-- $1 order id, $2 shipment id, $3 lines, $4 carrier, $5 tracking number, $6 warehouse or null, $7 amount, $8 shipped at
INSERT INTO shipments (order_id, shipment_id, lines, carrier, tracking_number, warehouse_id, amount, shipped_at)
VALUES ($1, $2, $3::jsonb, $4, $5, $6, $7, $8)
