-- What leaves an order without a hold also writes until when it gets one: an order without money is never without an owner.
UPDATE orders SET payment_deadline = now() + interval '2 days' WHERE payment_state = 'expired' AND payment_deadline IS NULL;
ALTER TABLE orders DROP CONSTRAINT orders_payment_has_deadline;
ALTER TABLE orders ADD CONSTRAINT orders_payment_has_deadline CHECK (
  CASE WHEN payment_state IN ('payment_needed', 'expired') THEN payment_deadline IS NOT NULL
    ELSE payment_deadline IS NULL OR payment_state = 'partially_captured'
      OR (payment_state = 'authorized' AND hold_attempt IS NOT NULL) END);
