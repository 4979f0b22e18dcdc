-- One step at a time on one subscription, also before its row exists. $1 subscription id
SELECT pg_advisory_xact_lock(482117307, hashtext($1))
