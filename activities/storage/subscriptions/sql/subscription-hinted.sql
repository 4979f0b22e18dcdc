-- $1 subscription id, $2 version that the workflow was told of
UPDATE subscriptions SET hinted_version = greatest(hinted_version, $2) WHERE subscription_id = $1
