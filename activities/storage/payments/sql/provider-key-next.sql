-- Retires an idempotency key. Two tries that retire the same key get the same next one. $1 operation key, $2 number that is used up, $3 now
INSERT INTO provider_keys AS k (operation_key, number, changed_at)
VALUES ($1, $2::integer + 1, $3)
ON CONFLICT (operation_key) DO UPDATE SET number = greatest(k.number, excluded.number), changed_at = excluded.changed_at
RETURNING number
