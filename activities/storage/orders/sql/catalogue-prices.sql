SELECT sku, currency, unit_amount AS "unitAmount" FROM catalogue_items WHERE sku = ANY ($1::text[])
