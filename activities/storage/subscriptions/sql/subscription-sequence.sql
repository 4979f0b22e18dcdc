-- $1 subscription id, $2 sequence of the last event, $3 now
UPDATE subscriptions SET event_sequence = $2, version = version + 1, updated_at = $3 WHERE subscription_id = $1
