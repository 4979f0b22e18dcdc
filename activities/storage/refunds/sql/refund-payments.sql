-- What was captured for an order and what of it was refunded, by payment. The order must be locked. $1 order id
SELECT attempt, payment_intent_id AS "paymentIntentId", authorized_amount - captured_amount - released_amount AS held,
  captured_amount AS captured, refund_pending_amount AS "refundPending", refunded_amount AS refunded,
  refunded_outside_amount AS "refundedOutside", disputed_amount AS disputed, captured_at AS "capturedAt",
  EXISTS (SELECT FROM charged_back_payments c
    WHERE c.order_id = a.order_id AND c.payment_intent_id = a.payment_intent_id) AS "chargedBack"
FROM payment_attempts a WHERE order_id = $1 AND payment_intent_id IS NOT NULL
ORDER BY attempt
