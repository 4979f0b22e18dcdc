-- Orders and the money held and taken for them.

-- One row for each try to hold money. The order may not exist yet, and a tombstoned attempt may never have been begun, so
-- there is no foreign key to orders. The totals are kept by a trigger on the ledger and by nothing else.
CREATE TABLE payment_attempts (
  order_id text NOT NULL,
  attempt integer NOT NULL CHECK (attempt BETWEEN 1 AND 1000),
  operation_key text NOT NULL UNIQUE,
  cart_id text,
  purpose text CHECK (purpose IN ('checkout', 'reauthorization', 'remainder')),
  amount integer CHECK (amount BETWEEN 1 AND 99999999),
  currency text CHECK (currency ~ '^[a-z]{3}$'),
  customer_id text,
  payment_method_id text,
  off_session boolean,
  payment_intent_id text,
  charge_id text,
  status text NOT NULL CHECK (status IN
    ('begun', 'requires_action', 'processing', 'declined', 'authorized', 'captured', 'canceled', 'expired', 'voided', 'sealed')),
  decline_code text,
  code text,
  authorized_amount integer NOT NULL DEFAULT 0 CHECK (authorized_amount >= 0),
  captured_amount integer NOT NULL DEFAULT 0 CHECK (captured_amount >= 0),
  released_amount integer NOT NULL DEFAULT 0 CHECK (released_amount >= 0),
  authorized_at timestamptz,
  capture_before timestamptz,
  multicapture boolean,
  started_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  tombstoned_at timestamptz,
  PRIMARY KEY (order_id, attempt),
  -- the money rule: nothing is taken that was not held
  CONSTRAINT attempts_captured_within_authorized CHECK (captured_amount + released_amount <= authorized_amount),
  CONSTRAINT attempts_authorized_within_asked CHECK (authorized_amount <= amount),
  CONSTRAINT attempts_begun_or_sealed CHECK (tombstoned_at IS NOT NULL OR (amount IS NOT NULL AND currency IS NOT NULL)),
  CONSTRAINT attempts_hold_is_dated CHECK (
    authorized_amount = 0 OR (payment_intent_id IS NOT NULL AND authorized_at IS NOT NULL AND capture_before IS NOT NULL))
);

CREATE INDEX payment_attempts_intent ON payment_attempts (payment_intent_id);

CREATE TABLE orders (
  order_id text PRIMARY KEY,
  cart_id text NOT NULL,
  channel text NOT NULL,
  currency text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
  state text NOT NULL CHECK (state IN ('placed', 'paid', 'allocated', 'fulfilled', 'shipped', 'delivered', 'cancelled')),
  payment_state text NOT NULL CHECK (payment_state IN
    ('authorized', 'partially_captured', 'captured', 'expired', 'payment_needed', 'voided')),
  capture_on text NOT NULL CHECK (capture_on IN ('shipment', 'order')),
  shipping_amount integer NOT NULL CHECK (shipping_amount BETWEEN 0 AND 99999999),
  tax_amount integer NOT NULL CHECK (tax_amount BETWEEN 0 AND 99999999),
  total_amount integer NOT NULL CHECK (total_amount BETWEEN 1 AND 99999999),
  policy jsonb NOT NULL,
  customer_id text NOT NULL,
  -- email, name and address, encrypted
  personal_data bytea NOT NULL,
  payment_method_id text NOT NULL,
  -- the attempt whose hold is open; null where none is
  hold_attempt integer,
  pending_payment_intent_id text,
  payment_deadline timestamptz,
  hold_warned_at timestamptz,
  waiting_on text CHECK (waiting_on IN ('customer', 'provider', 'carrier', 'warehouse', 'approver', 'supplier')),
  waiting_until timestamptz,
  waiting_why text,
  event_sequence integer NOT NULL CHECK (event_sequence >= 0),
  version integer NOT NULL CHECK (version >= 1),
  trace_id text NOT NULL CHECK (trace_id ~ '^[0-9a-f]{32}$'),
  placed_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT orders_one_per_cart UNIQUE (cart_id),
  FOREIGN KEY (order_id, hold_attempt) REFERENCES payment_attempts,
  -- an order is done, or it waits for a named party until a named time
  CONSTRAINT orders_wait_for_somebody CHECK (
    (state IN ('delivered', 'cancelled')) = (waiting_on IS NULL)
    AND (waiting_on IS NULL) = (waiting_until IS NULL) AND (waiting_on IS NULL) = (waiting_why IS NULL)),
  CONSTRAINT orders_payment_has_deadline CHECK ((payment_state = 'payment_needed') = (payment_deadline IS NOT NULL)),
  CONSTRAINT orders_done_hold_nothing CHECK (state NOT IN ('delivered', 'cancelled') OR hold_attempt IS NULL),
  CONSTRAINT orders_settled_hold_nothing CHECK (payment_state NOT IN ('captured', 'voided', 'expired') OR hold_attempt IS NULL)
);

CREATE INDEX orders_newest ON orders (placed_at DESC, order_id DESC);
CREATE INDEX orders_waiting ON orders (waiting_until) WHERE waiting_until IS NOT NULL;

CREATE TABLE order_lines (
  order_id text NOT NULL REFERENCES orders,
  position integer NOT NULL CHECK (position >= 0),
  sku text NOT NULL REFERENCES catalogue_items,
  quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 9999),
  unit_amount integer NOT NULL CHECK (unit_amount BETWEEN 0 AND 99999999),
  shipped integer NOT NULL DEFAULT 0 CHECK (shipped >= 0),
  cancelled integer NOT NULL DEFAULT 0 CHECK (cancelled >= 0),
  PRIMARY KEY (order_id, sku),
  UNIQUE (order_id, position),
  CONSTRAINT lines_end_once CHECK (shipped + cancelled <= quantity)
);

CREATE TABLE shipments (
  order_id text NOT NULL REFERENCES orders,
  shipment_id text NOT NULL,
  lines jsonb NOT NULL CHECK (jsonb_typeof(lines) = 'array'),
  carrier text NOT NULL,
  tracking_number text NOT NULL,
  warehouse_id text REFERENCES warehouses,
  amount integer NOT NULL CHECK (amount BETWEEN 0 AND 99999999),
  shipped_at timestamptz NOT NULL,
  delivered_at timestamptz,
  PRIMARY KEY (order_id, shipment_id)
);

CREATE TABLE ledger_entries (
  entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id text NOT NULL,
  attempt integer NOT NULL,
  payment_intent_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('authorized', 'captured', 'released', 'refund_pending', 'refunded', 'refund_failed')),
  amount integer NOT NULL CHECK (amount > 0),
  currency text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
  operation_key text NOT NULL,
  occurred_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  FOREIGN KEY (order_id, attempt) REFERENCES payment_attempts,
  CONSTRAINT ledger_once_per_operation UNIQUE (kind, operation_key)
);

CREATE INDEX ledger_entries_order ON ledger_entries (order_id, attempt);
-- a PaymentIntent is authorized once, whichever attempt found out
CREATE UNIQUE INDEX ledger_one_hold_per_intent ON ledger_entries (payment_intent_id) WHERE kind = 'authorized';

CREATE FUNCTION add_to_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE payment_attempts SET
    authorized_amount = authorized_amount + CASE WHEN NEW.kind = 'authorized' THEN NEW.amount ELSE 0 END,
    captured_amount = captured_amount + CASE WHEN NEW.kind = 'captured' THEN NEW.amount ELSE 0 END,
    released_amount = released_amount + CASE WHEN NEW.kind = 'released' THEN NEW.amount ELSE 0 END
  WHERE order_id = NEW.order_id AND attempt = NEW.attempt;
  RETURN NULL;
END;
$$;

CREATE TRIGGER ledger_moves_totals AFTER INSERT ON ledger_entries
  FOR EACH ROW WHEN (NEW.kind IN ('authorized', 'captured', 'released')) EXECUTE FUNCTION add_to_attempt();
CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What banks answered, for authorization rates by brand, funding and country. No card numbers.
CREATE TABLE authorization_results (
  result_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id text NOT NULL,
  attempt integer NOT NULL,
  payment_intent_id text,
  charge_id text,
  brand text,
  funding text,
  country text,
  network_status text,
  outcome text NOT NULL CHECK (outcome IN ('authorized', 'declined')),
  decline_code text,
  at timestamptz NOT NULL,
  FOREIGN KEY (order_id, attempt) REFERENCES payment_attempts,
  CONSTRAINT authorization_results_once UNIQUE NULLS NOT DISTINCT (order_id, attempt, outcome, charge_id)
);

CREATE INDEX authorization_results_at ON authorization_results (at);
CREATE TRIGGER authorization_results_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON authorization_results
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
