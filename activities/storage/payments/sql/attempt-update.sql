-- A null leaves a known value unchanged. $1 order id, $2 attempt, $3 status, $4 PaymentIntent, $5 charge, $6 payment method,
-- $7 authorized at, $8 capture before, $9 multicapture, $10 code, $11 decline code, $12 tombstoned, $13 now
UPDATE payment_attempts SET
  status = $3, payment_intent_id = coalesce($4, payment_intent_id), charge_id = coalesce($5, charge_id),
  payment_method_id = coalesce($6, payment_method_id), authorized_at = coalesce($7, authorized_at),
  capture_before = coalesce($8, capture_before), multicapture = coalesce($9, multicapture),
  code = coalesce($10, code), decline_code = coalesce($11, decline_code),
  tombstoned_at = CASE WHEN $12::boolean THEN coalesce(tombstoned_at, $13) ELSE tombstoned_at END, updated_at = $13
WHERE order_id = $1 AND attempt = $2
