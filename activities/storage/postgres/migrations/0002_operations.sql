-- Operations: the one table for idempotency and tombstones. The transaction of every effect writes its key here; the
-- undo of an effect writes undone_at, also where nothing happened yet, so that a late attempt cannot land after it.

CREATE TABLE operations (
  operation_key text PRIMARY KEY,
  kind text NOT NULL,
  order_id text NOT NULL,
  payment_intent_id text,
  -- what is needed to finish or to answer again; no personal data, no client secrets
  detail jsonb,
  begun_at timestamptz NOT NULL,
  done_at timestamptz,
  undone_at timestamptz,
  -- an order that is recorded stays recorded: it is cancelled, never withdrawn
  CONSTRAINT operations_place_is_final CHECK (kind <> 'place' OR done_at IS NULL OR undone_at IS NULL)
);

-- captures that were begun and whose outcome is not recorded
CREATE INDEX operations_unfinished ON operations (order_id, payment_intent_id) WHERE done_at IS NULL AND undone_at IS NULL;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'integrity_constraint_violation';
END;
$$;
