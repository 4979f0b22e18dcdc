-- The unreserved stock of each SKU over all warehouses; locks nothing. $1 skus
SELECT sku, sum(on_hand - reserved)::integer AS available
FROM stock WHERE sku = ANY ($1::text[])
GROUP BY sku
