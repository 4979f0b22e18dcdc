-- A customer may be asked for another payment while the hold that could not be renewed still stands: the order ships until it ends.
ALTER TABLE orders DROP CONSTRAINT orders_payment_has_deadline;
ALTER TABLE orders ADD CONSTRAINT orders_payment_has_deadline CHECK (
  CASE WHEN payment_state = 'payment_needed' THEN payment_deadline IS NOT NULL
    ELSE payment_deadline IS NULL OR (payment_state IN ('authorized', 'partially_captured') AND hold_attempt IS NOT NULL) END);
