SELECT personal_data FROM orders ORDER BY placed_at DESC LIMIT 1
