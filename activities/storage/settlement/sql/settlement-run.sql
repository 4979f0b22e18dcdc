-- $1 day, $2 movements at the provider, $3 matched positions, $4 now
INSERT INTO settlement_runs (settled_on, provider_movements, matched, ran_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (settled_on) DO UPDATE
SET provider_movements = excluded.provider_movements, matched = excluded.matched, ran_at = excluded.ran_at
