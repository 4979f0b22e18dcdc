-- Notices: queued in the transaction that makes them true, sent once, taken back while they wait.
CREATE TABLE notices (
  notice_key text PRIMARY KEY CHECK (notice_key <> ''),
  kind text NOT NULL,
  subject_type text NOT NULL CHECK (subject_type IN ('order', 'refund', 'dispute', 'subscription', 'settlement')),
  subject_id text NOT NULL,
  order_id text,
  recipient jsonb NOT NULL,
  data jsonb NOT NULL,
  -- by the clock of who queued it; a relay counts on from there with its own
  due_at timestamptz NOT NULL,
  expires_at timestamptz,
  quiet_hours jsonb,
  queued_at timestamptz NOT NULL,
  status text NOT NULL DEFAULT 'queued' CHECK (status IN
    ('queued', 'sending', 'sent', 'canceled', 'expired', 'in_doubt', 'failed')),
  -- channels that have taken it, so that a retry tells only the others
  channels_done text[] NOT NULL DEFAULT '{}',
  -- channels that refused it for good, and those of which nobody knows whether they took it: both are not asked again
  channels_failed text[] NOT NULL DEFAULT '{}',
  channels_in_doubt text[] NOT NULL DEFAULT '{}',
  -- the channel that it was being handed to
  sending_to text,
  attempts integer NOT NULL DEFAULT 0,
  -- while a relay has it: the end of its lease, which is also how its relay is told from another one
  next_attempt_at timestamptz NOT NULL,
  sent_at timestamptz,
  finished_at timestamptz,
  last_error text,
  CHECK ((status = 'sending') = (sending_to IS NOT NULL)),
  CHECK ((status = 'sent') = (sent_at IS NOT NULL)),
  CHECK ((status IN ('queued', 'sending')) = (finished_at IS NULL))
);

CREATE INDEX notices_due ON notices (next_attempt_at) WHERE finished_at IS NULL;
CREATE INDEX notices_subject ON notices (subject_type, subject_id);
CREATE INDEX notices_order ON notices (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX notices_newest ON notices (queued_at DESC, notice_key DESC);
CREATE INDEX notices_status ON notices (status, queued_at DESC);
CREATE INDEX notices_finished ON notices (finished_at) WHERE finished_at IS NOT NULL;

CREATE TRIGGER notices_wake_relay AFTER INSERT ON notices FOR EACH STATEMENT EXECUTE FUNCTION wake_relay();
