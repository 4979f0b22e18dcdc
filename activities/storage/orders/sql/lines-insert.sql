-- $1 order id, $2 [{sku, quantity, unitAmount}] in the cart's order
INSERT INTO order_lines (order_id, position, sku, quantity, unit_amount)
SELECT $1, (line.ordinality - 1)::integer, line.value ->> 'sku', (line.value ->> 'quantity')::integer,
  (line.value ->> 'unitAmount')::bigint
FROM jsonb_array_elements($2::jsonb) WITH ORDINALITY AS line
