-- Tombstones attempts, even those never begun; an attempt that has its tombstone already adds no entry to the audit log. The rows
-- are locked first, so that the entry shows the values from before. $1 order id, $2 attempts, $3 their keys, $4 now
WITH known AS (
  SELECT a.attempt, a.tombstoned_at FROM payment_attempts a
  WHERE a.order_id = $1 AND a.attempt = ANY ($2::integer[])
  ORDER BY a.attempt
  FOR UPDATE
), sealed AS (
  INSERT INTO payment_attempts AS a (order_id, attempt, operation_key, status, started_at, updated_at, tombstoned_at)
  SELECT $1, x.attempt, x.key, 'sealed', $4, $4, coalesce(k.tombstoned_at, $4)
  FROM unnest($2::integer[], $3::text[]) AS x(attempt, key) LEFT JOIN known k ON k.attempt = x.attempt
  ORDER BY x.attempt
  ON CONFLICT (order_id, attempt) DO UPDATE SET tombstoned_at = coalesce(a.tombstoned_at, excluded.tombstoned_at)
  RETURNING a.*
), audited AS (
  -- Sealing changes no status, so only an attempt that was never begun is `sealed`.
  INSERT INTO audit_log (order_id, operation_key, action, actor, before, after, at)
  SELECT s.order_id, s.operation_key, 'seal payment', 'order',
    CASE WHEN s.status <> 'sealed' THEN
      jsonb_build_object('attempt', s.attempt, 'status', s.status, 'tombstoned', false) END,
    jsonb_build_object('attempt', s.attempt, 'status', s.status, 'tombstoned', true), $4
  FROM sealed s LEFT JOIN known k ON k.attempt = s.attempt
  WHERE k.tombstoned_at IS NULL
  ORDER BY s.attempt
)
SELECT a.order_id AS "orderId", a.attempt, a.operation_key AS "operationKey", a.cart_id AS "cartId", a.purpose,
  a.payment_intent_id AS "paymentIntentId", a.charge_id AS "chargeId", a.customer_id AS "customerId",
  a.payment_method_id AS "paymentMethodId", a.off_session AS "offSession", a.amount, a.currency, a.status, a.code,
  a.decline_code AS "declineCode", a.authorized_amount AS "authorizedAmount", a.captured_amount AS "capturedAmount",
  a.released_amount AS "releasedAmount", a.authorized_at AS "authorizedAt", a.capture_before AS "captureBefore",
  a.multicapture, a.started_at AS "startedAt", a.tombstoned_at IS NOT NULL AS tombstoned
FROM sealed a
