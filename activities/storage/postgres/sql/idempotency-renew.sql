-- $1 scope, $2 key, $3 token, $4 lease in ms
UPDATE idempotency_keys SET leased_until = clock_timestamp() + $4 * interval '1 ms'
WHERE scope = $1 AND key = $2 AND lease_token = $3 AND state = 'in_flight'
