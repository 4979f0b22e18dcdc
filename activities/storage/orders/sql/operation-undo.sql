-- Writes the tombstone of an effect, even if the effect never began. $1 key, $2 kind, $3 order id, $4 now
INSERT INTO operations AS o (operation_key, kind, order_id, begun_at, undone_at)
VALUES ($1, $2, $3, $4, $4)
ON CONFLICT (operation_key) DO UPDATE SET undone_at = coalesce(o.undone_at, excluded.undone_at)
RETURNING done_at IS NOT NULL AS done
