-- Updates the message and the amount of an open exception; its id, owner and time stay. $1 workflow id, $2 kind, $3 message, $4 amount at risk, $5 its currency
UPDATE exceptions SET message = $3, amount_at_risk = $4, currency = $5
WHERE workflow_id = $1 AND kind = $2 AND resolved_at IS NULL
