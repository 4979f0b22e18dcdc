-- What makes a cart the same purchase: a hash of its contents, amounts, customer and address. The same cart id with another
-- one is another purchase and is refused. Empty where an order did not come from a cart.
ALTER TABLE orders ADD COLUMN cart_fingerprint text NOT NULL DEFAULT '';
