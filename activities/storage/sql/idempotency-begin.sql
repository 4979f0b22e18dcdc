-- Takes a key that is new, or that was left in flight by a process that is gone; no row where it belongs to another.
-- $1 route, $2 key, $3 fingerprint, $4 now, $5 in flight since before this is left behind
INSERT INTO idempotency_keys AS k (route, key, fingerprint, state, created_at)
VALUES ($1, $2, $3, 'in_flight', $4)
ON CONFLICT (route, key) DO UPDATE SET created_at = excluded.created_at
WHERE k.state = 'in_flight' AND k.fingerprint = excluded.fingerprint AND k.created_at < $5
RETURNING key
