SELECT personal_data AS "personalData" FROM orders WHERE order_id = $1
