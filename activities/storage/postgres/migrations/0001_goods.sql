-- Goods: what is sold, where it lies, and what of it is promised to whom.

CREATE TABLE catalogue_items (
  sku text PRIMARY KEY CHECK (sku <> ''),
  name text NOT NULL,
  currency text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
  -- minor units; the upper bound is the largest amount a provider accepts
  unit_amount integer NOT NULL CHECK (unit_amount BETWEEN 0 AND 99999999)
);

CREATE TABLE warehouses (
  warehouse_id text PRIMARY KEY CHECK (warehouse_id <> ''),
  name text NOT NULL
);

CREATE TABLE stock (
  sku text NOT NULL REFERENCES catalogue_items,
  warehouse_id text NOT NULL REFERENCES warehouses,
  on_hand integer NOT NULL,
  reserved integer NOT NULL DEFAULT 0,
  PRIMARY KEY (sku, warehouse_id),
  -- the last line of defence against selling a piece twice
  CONSTRAINT stock_reserved_is_on_hand CHECK (0 <= reserved AND reserved <= on_hand)
);

-- One row for each (order, sku, warehouse); what is neither consumed nor released is still promised. There is no foreign
-- key to orders: stock is promised before the order is recorded.
CREATE TABLE reservations (
  order_id text NOT NULL,
  sku text NOT NULL,
  warehouse_id text NOT NULL,
  quantity integer NOT NULL CHECK (quantity > 0),
  consumed integer NOT NULL DEFAULT 0 CHECK (consumed >= 0),
  released integer NOT NULL DEFAULT 0 CHECK (released >= 0),
  reserved_at timestamptz NOT NULL,
  PRIMARY KEY (order_id, sku, warehouse_id),
  FOREIGN KEY (sku, warehouse_id) REFERENCES stock,
  CONSTRAINT reservations_end_once CHECK (consumed + released <= quantity)
);

CREATE INDEX reservations_open ON reservations (sku, warehouse_id) WHERE consumed + released < quantity;
