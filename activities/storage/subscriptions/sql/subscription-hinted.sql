-- $1 subscription id, $2 version that the workflow got a hint about
UPDATE subscriptions SET hinted_version = greatest(hinted_version, $2) WHERE subscription_id = $1
