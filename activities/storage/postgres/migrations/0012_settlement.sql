-- The daily comparison of our ledger with the provider's balance: every difference is a row with a cause, and what no cause
-- explains is an exception.

CREATE TABLE settlement_runs (
  -- a day in UTC
  settled_on date PRIMARY KEY,
  provider_movements integer NOT NULL CHECK (provider_movements >= 0),
  matched integer NOT NULL CHECK (matched >= 0),
  ran_at timestamptz NOT NULL
);

CREATE TABLE settlement_differences (
  settled_on date NOT NULL REFERENCES settlement_runs,
  -- what was compared, e.g. `charge:pi_…`
  position text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('charge', 'refund', 'dispute', 'hold', 'other')),
  cause text NOT NULL,
  explained boolean NOT NULL,
  order_id text,
  currency text NOT NULL,
  -- minor units, money that came to us positive
  ledger_amount bigint NOT NULL,
  provider_amount bigint NOT NULL,
  found_at timestamptz NOT NULL,
  resolved_at timestamptz,
  PRIMARY KEY (settled_on, position),
  CONSTRAINT settlement_differences_differ CHECK (ledger_amount <> provider_amount)
);

CREATE INDEX settlement_differences_open ON settlement_differences (settled_on) WHERE resolved_at IS NULL AND NOT explained;
-- what moved on a day
CREATE INDEX ledger_entries_occurred ON ledger_entries (occurred_at);
