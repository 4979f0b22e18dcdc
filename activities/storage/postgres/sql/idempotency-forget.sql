-- $1 scope, $2 key, $3 token
DELETE FROM idempotency_keys WHERE scope = $1 AND key = $2 AND lease_token = $3 AND state = 'in_flight'
