-- Tombstones attempts, those never begun included. $1 order id, $2 attempts, $3 their keys, $4 now
INSERT INTO payment_attempts AS a (order_id, attempt, operation_key, status, started_at, updated_at, tombstoned_at)
SELECT $1, x.attempt, x.key, 'sealed', $4, $4, $4
FROM unnest($2::integer[], $3::text[]) AS x(attempt, key)
ORDER BY x.attempt
ON CONFLICT (order_id, attempt) DO UPDATE SET tombstoned_at = coalesce(a.tombstoned_at, excluded.tombstoned_at)
RETURNING a.order_id AS "orderId", a.attempt, a.operation_key AS "operationKey", a.cart_id AS "cartId", a.purpose,
  a.payment_intent_id AS "paymentIntentId", a.charge_id AS "chargeId", a.customer_id AS "customerId",
  a.payment_method_id AS "paymentMethodId", a.off_session AS "offSession", a.amount, a.currency, a.status, a.code,
  a.decline_code AS "declineCode", a.authorized_amount AS "authorizedAmount", a.captured_amount AS "capturedAmount",
  a.released_amount AS "releasedAmount", a.authorized_at AS "authorizedAt", a.capture_before AS "captureBefore",
  a.multicapture, a.started_at AS "startedAt", a.tombstoned_at IS NOT NULL AS tombstoned
