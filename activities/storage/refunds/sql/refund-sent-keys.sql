-- The keys of those parts that were sent. $1 operation keys
SELECT operation_key AS "operationKey" FROM operations WHERE operation_key = ANY ($1::text[]) AND undone_at IS NULL
