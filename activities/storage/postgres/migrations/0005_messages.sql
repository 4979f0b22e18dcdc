-- Messages: our own events until they are published, the provider's until they are acted on, and requests answered once.

CREATE TABLE outbox (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id uuid NOT NULL UNIQUE,
  order_id text NOT NULL,
  sequence integer NOT NULL CHECK (sequence >= 1),
  type text NOT NULL,
  version integer NOT NULL CHECK (version >= 1),
  data jsonb NOT NULL,
  causation text NOT NULL,
  trace_id text NOT NULL,
  occurred_at timestamptz NOT NULL,
  -- a relay that claimed the event has until then to publish it
  claimed_until timestamptz,
  published_at timestamptz,
  CONSTRAINT outbox_sequence_once UNIQUE (order_id, sequence)
);

CREATE INDEX outbox_unpublished ON outbox (position) WHERE published_at IS NULL;
CREATE INDEX outbox_unpublished_by_order ON outbox (order_id, sequence) WHERE published_at IS NULL;

CREATE TABLE inbox (
  event_id text PRIMARY KEY,
  provider text NOT NULL,
  type text NOT NULL,
  object_id text,
  payment_intent_id text,
  -- encrypted: a provider's event names people
  payload bytea NOT NULL,
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'waiting', 'done', 'ignored')),
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL,
  last_error text,
  created_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  finished_at timestamptz,
  CHECK ((status IN ('done', 'ignored')) = (finished_at IS NOT NULL))
);

CREATE INDEX inbox_due ON inbox (next_attempt_at) WHERE status IN ('pending', 'waiting');

CREATE TABLE idempotency_keys (
  route text NOT NULL,
  key text NOT NULL,
  fingerprint text NOT NULL,
  state text NOT NULL CHECK (state IN ('in_flight', 'done')),
  status integer CHECK (status BETWEEN 100 AND 599),
  -- encrypted
  body bytea,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (route, key),
  CHECK ((state = 'done') = (status IS NOT NULL AND body IS NOT NULL))
);

CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- A notification only wakes a relay earlier than its next look would: relays also look by the clock.
CREATE FUNCTION wake_relay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('holdfast_' || TG_TABLE_NAME, '');
  RETURN NULL;
END;
$$;

CREATE TRIGGER outbox_wakes_relay AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION wake_relay();
CREATE TRIGGER inbox_wakes_relay AFTER INSERT ON inbox FOR EACH STATEMENT EXECUTE FUNCTION wake_relay();
