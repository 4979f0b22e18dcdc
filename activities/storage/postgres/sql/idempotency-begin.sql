-- Takes a key that is new, was released, or whose lease is no longer renewed; no row if another process has it. Leases use the
-- database's clock, because the clocks of processes differ. $1 scope, $2 key, $3 fingerprint, $4 now, $5 token, $6 lease in ms
INSERT INTO idempotency_keys AS k (scope, key, fingerprint, state, created_at, lease_token, leased_until)
VALUES ($1, $2, $3, 'in_flight', $4, $5, clock_timestamp() + $6 * interval '1 ms')
ON CONFLICT (scope, key) DO UPDATE
SET created_at = excluded.created_at, lease_token = excluded.lease_token, leased_until = excluded.leased_until
WHERE k.state = 'in_flight' AND k.fingerprint = excluded.fingerprint
  AND (k.leased_until IS NULL OR k.leased_until < clock_timestamp())
RETURNING key
