-- Captures of ours that were begun and whose outcome is not recorded. $1 order id
SELECT payment_intent_id AS "paymentIntentId", (detail ->> 'amount')::bigint AS amount
FROM operations WHERE order_id = $1 AND kind = 'capture' AND done_at IS NULL AND undone_at IS NULL
