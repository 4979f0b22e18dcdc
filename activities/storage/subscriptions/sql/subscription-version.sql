-- $1 subscription id
SELECT version FROM subscriptions WHERE subscription_id = $1
