-- All attempts of an order, in order, locked. $1 order id
SELECT a.order_id AS "orderId", a.attempt, a.operation_key AS "operationKey", a.cart_id AS "cartId", a.purpose,
  a.payment_intent_id AS "paymentIntentId", a.charge_id AS "chargeId", a.customer_id AS "customerId",
  a.payment_method_id AS "paymentMethodId", a.off_session AS "offSession", a.amount, a.currency, a.status, a.code,
  a.decline_code AS "declineCode", a.authorized_amount AS "authorizedAmount", a.captured_amount AS "capturedAmount",
  a.released_amount AS "releasedAmount", a.authorized_at AS "authorizedAt", a.capture_before AS "captureBefore",
  a.multicapture, a.started_at AS "startedAt", a.tombstoned_at IS NOT NULL AS tombstoned
FROM payment_attempts a WHERE a.order_id = $1
ORDER BY a.attempt
FOR UPDATE
