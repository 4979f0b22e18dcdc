-- Records once that an attempt is under way; an existing row stays unchanged. Only a new row is an action for the audit log: xmax
-- is zero for a row that this statement inserted, and not zero for one that it found.
-- $1 order id, $2 attempt, $3 key, $4 cart, $5 purpose, $6 amount, $7 currency, $8 customer, $9 payment method,
-- $10 off session, $11 PaymentIntent id or null, $12 now, $13 who asks
WITH begun AS (
  INSERT INTO payment_attempts AS a (order_id, attempt, operation_key, cart_id, purpose, amount, currency, customer_id,
    payment_method_id, off_session, payment_intent_id, status, started_at, updated_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'begun', $12, $12)
  ON CONFLICT (order_id, attempt) DO UPDATE SET started_at = a.started_at
  RETURNING a.*, a.xmax = 0 AS is_new
), audited AS (
  INSERT INTO audit_log (order_id, operation_key, action, actor, after, at)
  SELECT order_id, operation_key, 'begin payment', $13, jsonb_build_object('attempt', attempt, 'status', status,
    'purpose', purpose, 'amount', amount, 'currency', currency, 'offSession', off_session,
    'paymentIntentId', payment_intent_id), started_at
  FROM begun WHERE is_new
)
SELECT a.order_id AS "orderId", a.attempt, a.operation_key AS "operationKey", a.cart_id AS "cartId", a.purpose,
  a.payment_intent_id AS "paymentIntentId", a.charge_id AS "chargeId", a.customer_id AS "customerId",
  a.payment_method_id AS "paymentMethodId", a.off_session AS "offSession", a.amount, a.currency, a.status, a.code,
  a.decline_code AS "declineCode", a.authorized_amount AS "authorizedAmount", a.captured_amount AS "capturedAmount",
  a.released_amount AS "releasedAmount", a.authorized_at AS "authorizedAt", a.capture_before AS "captureBefore",
  a.multicapture, a.started_at AS "startedAt", a.tombstoned_at IS NOT NULL AS tombstoned
FROM begun a
