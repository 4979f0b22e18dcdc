SELECT 1 FROM warehouses WHERE warehouse_id = $1
