-- Holds that ended before $1 and are recorded neither as captured nor as released
SELECT 'hold:' || payment_intent_id AS position, 'hold' AS kind, order_id AS "orderId", currency,
  authorized_amount - captured_amount - released_amount AS amount, false AS "isPending"
FROM payment_attempts
WHERE authorized_amount > captured_amount + released_amount AND capture_before < $1
