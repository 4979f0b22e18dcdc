SELECT fingerprint, state, status, body FROM idempotency_keys WHERE route = $1 AND key = $2
