-- Ends a capture that was begun and that the provider has not made and can no longer make; it may be begun again with another amount.
-- $1 order id, $2 PaymentIntent id
DELETE FROM operations
WHERE order_id = $1 AND payment_intent_id = $2 AND kind = 'capture' AND done_at IS NULL AND undone_at IS NULL
