-- $1 scope, $2 key, $3 token, $4 status, $5 encrypted body
UPDATE idempotency_keys SET state = 'done', status = $4, body = $5, leased_until = NULL
WHERE scope = $1 AND key = $2 AND lease_token = $3 AND state = 'in_flight'
