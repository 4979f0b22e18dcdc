-- A part is about to be sent: kept from its first try on, so that it is never given up unseen. $1 key, $2 order id,
-- $3 PaymentIntent id, $4 now
INSERT INTO operations AS o (operation_key, kind, order_id, payment_intent_id, begun_at)
VALUES ($1, 'refund', $2, $3, $4)
ON CONFLICT (operation_key) DO UPDATE SET begun_at = o.begun_at
RETURNING begun_at AS "sentAt", undone_at IS NOT NULL AS undone
