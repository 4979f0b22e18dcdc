-- $1 route, $2 key
DELETE FROM idempotency_keys WHERE route = $1 AND key = $2 AND state = 'in_flight'
