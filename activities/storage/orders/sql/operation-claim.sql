-- Claims the key of an effect and locks its row until the end of the transaction, so that the effect and its undo never
-- run at once. $1 key, $2 kind, $3 order id, $4 now
INSERT INTO operations AS o (operation_key, kind, order_id, begun_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (operation_key) DO UPDATE SET begun_at = o.begun_at
RETURNING done_at IS NOT NULL AS done, undone_at IS NOT NULL AS undone
