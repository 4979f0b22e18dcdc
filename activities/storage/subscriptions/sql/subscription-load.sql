-- $1 subscription id
SELECT record FROM subscription_documents WHERE subscription_id = $1
