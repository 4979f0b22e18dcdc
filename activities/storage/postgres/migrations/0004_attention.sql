-- What needs a person, and who did what.

CREATE TABLE exceptions (
  exception_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- no foreign key: a checkout that failed has no order
  order_id text NOT NULL,
  workflow_id text NOT NULL,
  kind text NOT NULL,
  message text NOT NULL,
  owner text NOT NULL CHECK (owner <> ''),
  amount_at_risk integer CHECK (amount_at_risk >= 0),
  currency text,
  raised_at timestamptz NOT NULL,
  resolved_at timestamptz,
  CHECK ((amount_at_risk IS NULL) = (currency IS NULL)),
  CHECK (resolved_at >= raised_at)
);

CREATE UNIQUE INDEX exceptions_one_open ON exceptions (workflow_id, kind) WHERE resolved_at IS NULL;
CREATE INDEX exceptions_open_by_order ON exceptions (order_id) WHERE resolved_at IS NULL;

CREATE TABLE audit_log (
  entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id text NOT NULL,
  operation_key text NOT NULL,
  action text NOT NULL,
  actor text NOT NULL,
  -- states, amounts and quantities only: no personal data
  before jsonb,
  after jsonb NOT NULL,
  at timestamptz NOT NULL
);

CREATE INDEX audit_log_order ON audit_log (order_id, entry_id);
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
