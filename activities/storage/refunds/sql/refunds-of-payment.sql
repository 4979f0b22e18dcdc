-- Refunds of a payment that have not ended, or that a bank may still return. $1 PaymentIntent id, $2 now
SELECT r.refund_id AS "refundId" FROM refunds r
WHERE EXISTS (SELECT FROM refund_parts p WHERE p.refund_id = r.refund_id AND p.payment_intent_id = $1)
  AND (r.state IN ('waiting', 'pending', 'requires_action') OR r.watch_until > $2)
ORDER BY r.requested_at, r.refund_id
