-- A request in flight belongs to a process for as long as that renews its lease: one that was killed keeps nobody waiting.
-- A key belongs to a caller, a method and a path, no longer to a pattern of paths.
ALTER TABLE idempotency_keys RENAME COLUMN route TO scope;
ALTER TABLE idempotency_keys ADD COLUMN lease_token uuid, ADD COLUMN leased_until timestamptz;
