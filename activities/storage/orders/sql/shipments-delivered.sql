-- $1 order id, $2 shipment ids, $3 delivered at
UPDATE shipments SET delivered_at = $3 WHERE order_id = $1 AND shipment_id = ANY ($2::text[]) AND delivered_at IS NULL
