-- The hold is gone: tombstones its captures, so that no late one is recorded. $1 order id, $2 PaymentIntent id, $3 now
UPDATE operations SET undone_at = $3
WHERE order_id = $1 AND payment_intent_id = $2 AND kind = 'capture' AND done_at IS NULL AND undone_at IS NULL
