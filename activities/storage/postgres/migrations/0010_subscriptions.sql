-- Subscriptions: what the provider last showed of them, what it means, and when somebody looks again.

CREATE TABLE subscriptions (
  subscription_id text PRIMARY KEY CHECK (subscription_id <> ''),
  stripe_customer_id text NOT NULL,
  -- the provider's own word; an open set
  provider_status text NOT NULL,
  stage text NOT NULL CHECK (stage IN ('incomplete', 'incomplete_expired', 'trialing', 'trial_payment_failed', 'active',
    'past_due', 'unpaid', 'paused', 'canceled')),
  trial text NOT NULL CHECK (trial IN
    ('never', 'running', 'converting', 'converted', 'conversion_failed', 'ended_unconverted')),
  -- by the clock of who looked
  stage_since timestamptz NOT NULL,
  currency text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
  items jsonb NOT NULL CHECK (jsonb_typeof(items) = 'array'),
  current_period_end timestamptz,
  trial_ends_at timestamptz,
  cancel_at_period_end boolean NOT NULL,
  ended_at timestamptz,
  end_reason text,
  collection_paused boolean NOT NULL,
  has_payment_method boolean NOT NULL,
  -- the invoice that is being collected, else the newest one
  invoice_id text,
  upcoming_amount bigint CHECK (upcoming_amount >= 0),
  exhausted boolean NOT NULL,
  entitled boolean NOT NULL,
  time_zone text NOT NULL CHECK (time_zone <> ''),
  waiting_on text CHECK (waiting_on IN ('customer', 'provider', 'carrier', 'warehouse', 'approver', 'supplier')),
  waiting_until timestamptz,
  waiting_why text,
  -- planning never goes back behind it
  fetched_at timestamptz NOT NULL,
  -- What the workflow has seen, written by its own looks alone: whoever else finds the stage to be another one, or something
  -- due before the workflow wakes, has to tell it, also where the process that found it first died before it could.
  watched_stage text,
  wake_at timestamptz,
  wake_why text,
  -- the version that the workflow was last told of
  hinted_version integer NOT NULL DEFAULT 0,
  event_sequence integer NOT NULL CHECK (event_sequence >= 1),
  version integer NOT NULL CHECK (version >= 1),
  trace_id text NOT NULL CHECK (trace_id ~ '^[0-9a-f]{32}$'),
  recorded_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  -- what is over entitles nobody to anything
  CONSTRAINT subscriptions_over_entitle_nobody CHECK (stage NOT IN ('canceled', 'incomplete_expired') OR NOT entitled),
  -- a trial that runs is one that nobody has paid for yet
  CONSTRAINT subscriptions_trial_fits_stage CHECK (
    (stage <> 'trialing' OR trial = 'running') AND (stage <> 'trial_payment_failed' OR trial = 'conversion_failed')),
  -- a subscription is over, or it waits for a named party until a named time
  CONSTRAINT subscriptions_wait_for_somebody CHECK (
    (stage IN ('canceled', 'incomplete_expired')) = (waiting_on IS NULL)
    AND (waiting_on IS NULL) = (waiting_until IS NULL) AND (waiting_on IS NULL) = (waiting_why IS NULL)),
  CHECK (hinted_version <= version),
  CHECK ((wake_at IS NULL) = (wake_why IS NULL)),
  CHECK (wake_at IS NULL OR watched_stage IS NOT NULL)
);

CREATE INDEX subscriptions_newest ON subscriptions (recorded_at DESC, subscription_id DESC);
CREATE INDEX subscriptions_stage ON subscriptions (stage, recorded_at DESC);
CREATE INDEX subscriptions_customer ON subscriptions (stripe_customer_id);
CREATE INDEX subscriptions_wake ON subscriptions (wake_at) WHERE wake_at IS NOT NULL;

-- Invoices as they were last fetched, amounts in minor units. Their pages are not kept: who has the address can see the name.
CREATE TABLE subscription_invoices (
  invoice_id text PRIMARY KEY CHECK (invoice_id <> ''),
  subscription_id text NOT NULL REFERENCES subscriptions,
  status text NOT NULL CHECK (status IN ('draft', 'open', 'paid', 'uncollectible', 'void')),
  billing_reason text NOT NULL,
  amount_due bigint NOT NULL CHECK (amount_due >= 0),
  amount_paid bigint NOT NULL CHECK (amount_paid >= 0),
  currency text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
  attempt_count integer NOT NULL CHECK (attempt_count >= 0),
  next_attempt_at timestamptz,
  created_at timestamptz NOT NULL,
  failed_at timestamptz,
  decline_code text,
  decline_class text CHECK (decline_class IN ('soft', 'hard', 'authentication')),
  -- credits are negative
  proration_amount bigint NOT NULL,
  updated_at timestamptz NOT NULL,
  UNIQUE (subscription_id, invoice_id),
  -- nothing is collected any more once it is paid or given up
  CONSTRAINT invoices_settled_try_no_more CHECK (status IN ('draft', 'open') OR next_attempt_at IS NULL)
);

CREATE INDEX subscription_invoices_newest ON subscription_invoices (subscription_id, created_at DESC);

-- The invoice is written after the subscription that it belongs to.
ALTER TABLE subscriptions ADD FOREIGN KEY (subscription_id, invoice_id)
  REFERENCES subscription_invoices (subscription_id, invoice_id) DEFERRABLE INITIALLY DEFERRED;

-- What was bought instead of what, and what it cost or gave back: one row for each change of the items, one for each
-- invoice that carries prorations.
CREATE TABLE subscription_changes (
  change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  subscription_id text NOT NULL REFERENCES subscriptions,
  kind text NOT NULL CHECK (kind IN ('plan', 'proration')),
  items_before jsonb,
  items_after jsonb,
  invoice_id text REFERENCES subscription_invoices,
  proration_amount bigint,
  currency text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
  occurred_at timestamptz NOT NULL,
  CONSTRAINT changes_of_plan_name_both CHECK (kind <> 'plan' OR items_before IS DISTINCT FROM items_after),
  CONSTRAINT changes_of_plan_have_items CHECK ((kind = 'plan') = (items_before IS NOT NULL AND items_after IS NOT NULL)),
  CONSTRAINT prorations_have_an_amount CHECK ((kind = 'proration') = (invoice_id IS NOT NULL AND proration_amount <> 0))
);

CREATE INDEX subscription_changes_of ON subscription_changes (subscription_id, change_id);
CREATE UNIQUE INDEX subscription_prorations_once ON subscription_changes (invoice_id) WHERE kind = 'proration';
CREATE TRIGGER subscription_changes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON subscription_changes
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Not everything that needs a person, or that somebody did, belongs to an order.
ALTER TABLE exceptions
  ALTER COLUMN order_id DROP NOT NULL,
  ADD COLUMN subject_type text,
  ADD COLUMN subject_id text,
  ADD CONSTRAINT exceptions_concern_something CHECK (
    (subject_type IS NULL) = (subject_id IS NULL) AND (order_id IS NOT NULL OR subject_id IS NOT NULL));
CREATE INDEX exceptions_open_by_subject ON exceptions (subject_type, subject_id)
  WHERE resolved_at IS NULL AND subject_id IS NOT NULL;

ALTER TABLE audit_log
  ALTER COLUMN order_id DROP NOT NULL,
  ADD COLUMN subject_type text,
  ADD COLUMN subject_id text,
  ADD CONSTRAINT audit_log_concerns_something CHECK (
    (subject_type IS NULL) = (subject_id IS NULL) AND (order_id IS NOT NULL OR subject_id IS NOT NULL));
CREATE INDEX audit_log_subject ON audit_log (subject_type, subject_id, entry_id) WHERE subject_id IS NOT NULL;

-- order_id is the id of whatever the event is about; this says what that is.
ALTER TABLE outbox ADD COLUMN aggregate text NOT NULL DEFAULT 'order' CHECK (aggregate IN ('order', 'subscription'));

-- Each lane has a dispatcher of its own. Subscriptions renew by the thousand at a month's end, and each of their events costs a
-- look at the provider under its limits: a customer's 3-D Secure does not wait behind them.
ALTER TABLE inbox ADD COLUMN lane text NOT NULL DEFAULT 'orders' CHECK (lane IN ('orders', 'subscriptions'));
DROP INDEX inbox_due;
CREATE INDEX inbox_due ON inbox (lane, next_attempt_at) WHERE status IN ('pending', 'waiting');

-- A subscription with everything that a step decides on or a view shows, as one document; of lists that grow the newest.
CREATE VIEW subscription_documents AS
SELECT s.subscription_id, s.stripe_customer_id, s.stage, s.waiting_on, s.waiting_until, s.wake_at, s.recorded_at,
  jsonb_build_object(
  'subscriptionId', s.subscription_id, 'stripeCustomerId', s.stripe_customer_id, 'providerStatus', s.provider_status,
  'stage', s.stage, 'stageSince', s.stage_since, 'trial', s.trial, 'currency', s.currency, 'items', s.items,
  'currentPeriodEnd', s.current_period_end, 'trialEndsAt', s.trial_ends_at,
  'cancelAtPeriodEnd', s.cancel_at_period_end, 'endedAt', s.ended_at, 'endReason', s.end_reason,
  'collectionPaused', s.collection_paused, 'hasPaymentMethod', s.has_payment_method,
  'invoiceId', s.invoice_id, 'upcomingAmount', s.upcoming_amount, 'exhausted', s.exhausted, 'entitled', s.entitled,
  'timeZone', s.time_zone, 'fetchedAt', s.fetched_at, 'watchedStage', s.watched_stage, 'wakeAt', s.wake_at,
  'wakeWhy', s.wake_why, 'waitingOn', s.waiting_on, 'waitingUntil', s.waiting_until, 'waitingWhy', s.waiting_why,
  'hintedVersion', s.hinted_version, 'eventSequence', s.event_sequence, 'version', s.version, 'traceId', s.trace_id,
  'recordedAt', s.recorded_at, 'updatedAt', s.updated_at,
  'invoices', (
    SELECT jsonb_agg(jsonb_build_object('invoiceId', i.invoice_id, 'status', i.status, 'billingReason', i.billing_reason,
      'amountDue', i.amount_due, 'amountPaid', i.amount_paid, 'currency', i.currency, 'attemptCount', i.attempt_count,
      'nextAttemptAt', i.next_attempt_at, 'createdAt', i.created_at, 'failedAt', i.failed_at,
      'declineCode', i.decline_code, 'declineClass', i.decline_class, 'prorationAmount', i.proration_amount)
      ORDER BY i.created_at DESC, i.invoice_id COLLATE "C")
    FROM (SELECT * FROM subscription_invoices WHERE subscription_id = s.subscription_id
      ORDER BY created_at DESC, invoice_id LIMIT 24) i),
  'changes', (
    SELECT jsonb_agg(jsonb_build_object('kind', c.kind, 'before', c.items_before, 'after', c.items_after,
      'invoiceId', c.invoice_id, 'prorationAmount', c.proration_amount, 'currency', c.currency,
      'occurredAt', c.occurred_at) ORDER BY c.change_id)
    FROM (SELECT * FROM subscription_changes WHERE subscription_id = s.subscription_id
      ORDER BY change_id DESC LIMIT 24) c),
  'notices', (
    SELECT jsonb_agg(jsonb_build_object('noticeKey', n.notice_key, 'kind', n.kind, 'status', n.status, 'dueAt', n.due_at,
      'sentAt', n.sent_at) ORDER BY n.due_at, n.notice_key COLLATE "C")
    FROM (SELECT * FROM notices WHERE subject_type = 'subscription' AND subject_id = s.subscription_id
      ORDER BY due_at DESC, notice_key LIMIT 48) n),
  'exceptions', (
    SELECT jsonb_agg(jsonb_build_object('kind', e.kind, 'message', e.message, 'owner', e.owner,
      'raisedAt', e.raised_at, 'workflowId', e.workflow_id) ORDER BY e.exception_id)
    FROM exceptions e
    WHERE e.subject_type = 'subscription' AND e.subject_id = s.subscription_id AND e.resolved_at IS NULL)
) AS record
FROM subscriptions s;
