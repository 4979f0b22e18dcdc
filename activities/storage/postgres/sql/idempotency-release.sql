-- $1 scope, $2 key, $3 token
UPDATE idempotency_keys SET leased_until = NULL
WHERE scope = $1 AND key = $2 AND lease_token = $3 AND state = 'in_flight'
