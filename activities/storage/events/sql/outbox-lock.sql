-- Relays claim one after the other: two at once could each take a later event of an order before an earlier one.
SELECT pg_advisory_xact_lock(482117306)
