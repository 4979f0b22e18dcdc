-- Relays claim one after the other; otherwise one could claim a later event of an order before another claims an earlier one.
SELECT pg_advisory_xact_lock(482117306)
