-- The number of the key that an operation goes under. $1 operation key
SELECT number FROM provider_keys WHERE operation_key = $1
