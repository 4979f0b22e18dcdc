-- The number of an operation's current idempotency key. $1 operation key
SELECT number FROM provider_keys WHERE operation_key = $1
