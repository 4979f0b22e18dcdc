-- Records before the first try that a part is being sent, so that it is not given up as unsent. $1 key, $2 order id,
-- $3 PaymentIntent id, $4 now
INSERT INTO operations AS o (operation_key, kind, order_id, payment_intent_id, begun_at)
VALUES ($1, 'refund', $2, $3, $4)
ON CONFLICT (operation_key) DO UPDATE SET begun_at = o.begun_at
RETURNING begun_at AS "sentAt", undone_at IS NOT NULL AS undone
