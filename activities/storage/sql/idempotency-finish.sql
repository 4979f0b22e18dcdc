-- $1 route, $2 key, $3 status, $4 encrypted body
UPDATE idempotency_keys SET state = 'done', status = $3, body = $4 WHERE route = $1 AND key = $2 AND state = 'in_flight'
