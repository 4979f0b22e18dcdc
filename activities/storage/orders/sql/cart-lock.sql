-- Two orders of one cart are placed one after the other, so that the second sees the first. $1 cart id
SELECT pg_advisory_xact_lock(hashtextextended('cart:' || $1, 0))
