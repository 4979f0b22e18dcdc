-- The provider keeps a failure of its own under the idempotency key that was sent, and only repeats it: the operation goes on
-- under a next key then. Which one that is is written down before it is sent, so that a retry after a crash sends the same.
-- Only operations that needed a second key have a row.
CREATE TABLE provider_keys (
  operation_key text PRIMARY KEY,
  number integer NOT NULL CHECK (number > 1),
  changed_at timestamptz NOT NULL
);

CREATE INDEX provider_keys_old ON provider_keys (changed_at);
