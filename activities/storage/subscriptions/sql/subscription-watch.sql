-- What the workflow has seen, and when it looks again. $1 subscription id, $2 stage, $3 wakes at or null, $4 why or null,
-- $5 looked at
UPDATE subscriptions SET watched_stage = $2, wake_at = $3, wake_why = $4, fetched_at = greatest(fetched_at, $5)
WHERE subscription_id = $1
