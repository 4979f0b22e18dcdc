-- Money that goes back: refunds by us, disputes by the customer's bank.

-- refund_pending: promised back. refunded: confirmed. refund_failed: was pending, stays with us. refund_reversed: was
-- confirmed and came back. refunded_outside: given back in another way. dispute_*: moved by the bank.
ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_kind_check;
ALTER TABLE ledger_entries ADD CONSTRAINT ledger_entries_kind_check CHECK (kind IN
  ('authorized', 'captured', 'released', 'refund_pending', 'refunded', 'refund_failed', 'refund_reversed',
   'refunded_outside', 'dispute_withdrawn', 'dispute_reinstated'));

ALTER TABLE payment_attempts
  ADD COLUMN refund_pending_amount integer NOT NULL DEFAULT 0 CHECK (refund_pending_amount >= 0),
  ADD COLUMN refunded_amount integer NOT NULL DEFAULT 0 CHECK (refunded_amount >= 0),
  ADD COLUMN refunded_outside_amount integer NOT NULL DEFAULT 0 CHECK (refunded_outside_amount >= 0),
  ADD COLUMN disputed_amount integer NOT NULL DEFAULT 0 CHECK (disputed_amount >= 0),
  ADD COLUMN captured_at timestamptz,
  -- the money rule: nothing is given back that was not taken
  ADD CONSTRAINT attempts_refunded_within_captured
    CHECK (refund_pending_amount + refunded_amount + refunded_outside_amount <= captured_amount);

UPDATE payment_attempts a SET captured_at = l.at
FROM (SELECT order_id, attempt, max(occurred_at) AS at FROM ledger_entries WHERE kind = 'captured' GROUP BY 1, 2) l
WHERE l.order_id = a.order_id AND l.attempt = a.attempt;

CREATE OR REPLACE FUNCTION add_to_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE payment_attempts SET
    authorized_amount = authorized_amount + CASE WHEN NEW.kind = 'authorized' THEN NEW.amount ELSE 0 END,
    captured_amount = captured_amount + CASE WHEN NEW.kind = 'captured' THEN NEW.amount ELSE 0 END,
    captured_at = CASE WHEN NEW.kind = 'captured' THEN greatest(captured_at, NEW.occurred_at) ELSE captured_at END,
    released_amount = released_amount + CASE WHEN NEW.kind = 'released' THEN NEW.amount ELSE 0 END,
    refund_pending_amount = refund_pending_amount + CASE NEW.kind WHEN 'refund_pending' THEN NEW.amount
      WHEN 'refunded' THEN -NEW.amount WHEN 'refund_failed' THEN -NEW.amount ELSE 0 END,
    refunded_amount = refunded_amount + CASE NEW.kind WHEN 'refunded' THEN NEW.amount
      WHEN 'refund_reversed' THEN -NEW.amount ELSE 0 END,
    refunded_outside_amount = refunded_outside_amount + CASE WHEN NEW.kind = 'refunded_outside' THEN NEW.amount ELSE 0 END,
    disputed_amount = disputed_amount + CASE NEW.kind WHEN 'dispute_withdrawn' THEN NEW.amount
      WHEN 'dispute_reinstated' THEN -NEW.amount ELSE 0 END
  WHERE order_id = NEW.order_id AND attempt = NEW.attempt;
  RETURN NULL;
END;
$$;

DROP TRIGGER ledger_moves_totals ON ledger_entries;
CREATE TRIGGER ledger_moves_totals AFTER INSERT ON ledger_entries FOR EACH ROW EXECUTE FUNCTION add_to_attempt();

CREATE TABLE refunds (
  refund_id text PRIMARY KEY CHECK (refund_id <> ''),
  order_id text NOT NULL REFERENCES orders,
  amount integer NOT NULL CHECK (amount BETWEEN 1 AND 99999999),
  currency text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
  lines jsonb CHECK (lines IS NULL OR jsonb_typeof(lines) = 'array'),
  reason text NOT NULL,
  actor text NOT NULL,
  state text NOT NULL CHECK (state IN
    ('waiting', 'pending', 'requires_action', 'succeeded', 'failed', 'canceled', 'resolved')),
  requested_at timestamptz NOT NULL,
  settle_by timestamptz NOT NULL,
  watch_until timestamptz,
  resolution jsonb,
  -- why it was given up before any money moved
  ended_reason text,
  updated_at timestamptz NOT NULL
);

CREATE INDEX refunds_order ON refunds (order_id);
CREATE INDEX refunds_unsettled ON refunds (settle_by) WHERE state IN ('waiting', 'pending', 'requires_action');

CREATE TABLE refund_parts (
  refund_id text NOT NULL REFERENCES refunds,
  part integer NOT NULL CHECK (part BETWEEN 1 AND 100),
  order_id text NOT NULL,
  attempt integer NOT NULL,
  payment_intent_id text NOT NULL,
  amount integer NOT NULL CHECK (amount BETWEEN 1 AND 99999999),
  operation_key text NOT NULL UNIQUE,
  status text NOT NULL CHECK (status IN ('begun', 'pending', 'requires_action', 'succeeded', 'failed', 'canceled')),
  provider_refund_id text UNIQUE,
  failure_reason text,
  pending_reason text,
  -- the provider's record of the money's return
  failure_balance_transaction text,
  provider_created_at timestamptz,
  settled_at timestamptz,
  -- a person gave back in another way what this part did not
  resolved_at timestamptz,
  CONSTRAINT refund_parts_resolved_after_failure CHECK (resolved_at IS NULL OR status IN ('failed', 'canceled')),
  CONSTRAINT refund_parts_settled_once CHECK (settled_at IS NULL OR status IN ('succeeded', 'failed', 'canceled')),
  PRIMARY KEY (refund_id, part),
  FOREIGN KEY (order_id, attempt) REFERENCES payment_attempts,
  -- one refund of ours takes each payment once
  UNIQUE (refund_id, attempt)
);

CREATE INDEX refund_parts_intent ON refund_parts (payment_intent_id);

CREATE TABLE disputes (
  dispute_id text PRIMARY KEY CHECK (dispute_id <> ''),
  order_id text NOT NULL REFERENCES orders,
  attempt integer NOT NULL,
  payment_intent_id text NOT NULL,
  charge_id text NOT NULL,
  amount integer NOT NULL CHECK (amount >= 0),
  currency text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
  reason text NOT NULL,
  is_inquiry boolean NOT NULL,
  provider_status text NOT NULL,
  stage text NOT NULL CHECK (stage IN ('evidence_due', 'under_review', 'won', 'lost', 'warning_closed', 'prevented')),
  opened_at timestamptz NOT NULL,
  due_by timestamptz,
  -- An inquiry that becomes a dispute, and an appeal, are rounds of their own. Rounds begin when they are first heard of.
  round integer NOT NULL CHECK (round >= 1),
  round_began_at timestamptz NOT NULL,
  -- the provider's count of submissions, and what it was when the round began: one more is this round's
  submission_count integer NOT NULL CHECK (submission_count >= 0),
  round_submissions integer NOT NULL CHECK (round_submissions >= 0),
  -- of the balance's currency, which need not be the dispute's
  fee_amount integer NOT NULL DEFAULT 0,
  fee_currency text NOT NULL CHECK (fee_currency ~ '^[a-z]{3}$'),
  -- names people: encrypted
  evidence bytea,
  evidence_collected_at timestamptz,
  -- warnings given in this round: milliseconds before the deadline
  warned_ms integer[] NOT NULL DEFAULT '{}',
  decision jsonb,
  submitted_at timestamptz,
  closed_at timestamptz,
  waiting_on text CHECK (waiting_on IN ('customer', 'provider', 'carrier', 'warehouse', 'approver', 'supplier')),
  waiting_until timestamptz,
  waiting_why text,
  -- when the provider was asked, by our clock: an older answer never overwrites a newer one
  fetched_at timestamptz NOT NULL,
  -- by our clock, as the times of shipments are: from then on nothing ships
  recorded_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  FOREIGN KEY (order_id, attempt) REFERENCES payment_attempts,
  CONSTRAINT disputes_end_once CHECK ((stage IN ('evidence_due', 'under_review')) = (closed_at IS NULL)),
  -- an open dispute waits for a named party until a named time; one that is won may wait for its money
  CONSTRAINT disputes_wait_for_somebody CHECK (
    (closed_at IS NOT NULL OR waiting_on IS NOT NULL)
    AND (waiting_on IS NULL) = (waiting_until IS NULL) AND (waiting_on IS NULL) = (waiting_why IS NULL)),
  CHECK (round_submissions <= submission_count)
);

CREATE INDEX disputes_order ON disputes (order_id);
CREATE INDEX disputes_open ON disputes (due_by) WHERE closed_at IS NULL;
CREATE INDEX disputes_newest ON disputes (recorded_at DESC, dispute_id DESC);

CREATE TABLE fraud_warnings (
  warning_id text PRIMARY KEY CHECK (warning_id <> ''),
  order_id text NOT NULL REFERENCES orders,
  payment_intent_id text NOT NULL,
  charge_id text NOT NULL,
  fraud_type text NOT NULL,
  actionable boolean NOT NULL,
  received_at timestamptz NOT NULL,
  -- nobody is waited for any more after this
  until timestamptz NOT NULL,
  decision text CHECK (decision IN ('refund', 'ignore')),
  decided_by text,
  decided_at timestamptz,
  refund_id text,
  ended text CHECK (ended IN ('refunded', 'disputed', 'ignored', 'not_actionable', 'lapsed')),
  closed_at timestamptz,
  recorded_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CHECK ((decision IS NULL) = (decided_at IS NULL) AND (decision IS NULL) = (decided_by IS NULL)),
  CHECK ((ended IS NULL) = (closed_at IS NULL))
);

CREATE INDEX fraud_warnings_order ON fraud_warnings (order_id);

CREATE OR REPLACE VIEW order_documents AS
SELECT o.order_id, o.cart_id, o.state, o.waiting_on, o.waiting_until, o.placed_at, jsonb_build_object(
  'orderId', o.order_id, 'cartId', o.cart_id, 'channel', o.channel, 'currency', o.currency,
  'state', o.state, 'paymentState', o.payment_state, 'captureOn', o.capture_on,
  'shippingAmount', o.shipping_amount, 'taxAmount', o.tax_amount, 'policy', o.policy,
  'customerId', o.customer_id, 'paymentMethodId', o.payment_method_id,
  'pendingPaymentIntentId', o.pending_payment_intent_id, 'paymentDeadline', o.payment_deadline,
  'holdWarnedAt', o.hold_warned_at, 'placedAt', o.placed_at,
  'holdAttempt', o.hold_attempt, 'eventSequence', o.event_sequence, 'traceId', o.trace_id,
  'lines', (
    SELECT jsonb_agg(jsonb_build_object('sku', l.sku, 'quantity', l.quantity, 'unitAmount', l.unit_amount,
      'shipped', l.shipped, 'cancelled', l.cancelled) ORDER BY l.position)
    FROM order_lines l WHERE l.order_id = o.order_id),
  'shipments', (
    SELECT jsonb_agg(jsonb_build_object('shipmentId', s.shipment_id, 'lines', s.lines, 'carrier', s.carrier,
      'trackingNumber', s.tracking_number, 'warehouseId', s.warehouse_id, 'amount', s.amount,
      'shippedAt', s.shipped_at, 'deliveredAt', s.delivered_at) ORDER BY s.shipped_at, s.shipment_id COLLATE "C")
    FROM shipments s WHERE s.order_id = o.order_id),
  'attempts', (
    SELECT jsonb_agg(jsonb_build_object('attempt', a.attempt, 'paymentIntentId', a.payment_intent_id,
      'authorized', a.authorized_amount, 'captured', a.captured_amount, 'released', a.released_amount,
      'refundPending', a.refund_pending_amount, 'refunded', a.refunded_amount,
      'refundedOutside', a.refunded_outside_amount, 'disputed', a.disputed_amount,
      'authorizedAt', a.authorized_at, 'captureBefore', a.capture_before, 'multicapture', a.multicapture)
      ORDER BY a.attempt)
    FROM payment_attempts a WHERE a.order_id = o.order_id),
  'refunds', (
    SELECT jsonb_agg(jsonb_build_object('refundId', r.refund_id, 'orderId', r.order_id, 'state', r.state,
      'amount', r.amount, 'currency', r.currency, 'lines', r.lines, 'reason', r.reason, 'actor', r.actor,
      'requestedAt', r.requested_at, 'settleBy', r.settle_by, 'watchUntil', r.watch_until, 'resolution', r.resolution,
      'endedReason', r.ended_reason,
      'parts', (
        SELECT jsonb_agg(jsonb_build_object('part', p.part, 'attempt', p.attempt, 'paymentIntentId', p.payment_intent_id,
          'amount', p.amount, 'status', p.status, 'providerRefundId', p.provider_refund_id,
          'failureReason', p.failure_reason, 'pendingReason', p.pending_reason,
          'failureBalanceTransaction', p.failure_balance_transaction, 'resolvedAt', p.resolved_at,
          'createdAt', p.provider_created_at, 'settledAt', p.settled_at) ORDER BY p.part)
        FROM refund_parts p WHERE p.refund_id = r.refund_id)
    ) ORDER BY r.requested_at, r.refund_id COLLATE "C")
    FROM refunds r WHERE r.order_id = o.order_id),
  'disputes', (
    SELECT jsonb_agg(jsonb_build_object('disputeId', d.dispute_id, 'orderId', d.order_id,
      'paymentIntentId', d.payment_intent_id, 'stage', d.stage, 'providerStatus', d.provider_status,
      'isInquiry', d.is_inquiry, 'amount', d.amount, 'currency', d.currency, 'reason', d.reason,
      'openedAt', d.opened_at, 'dueBy', d.due_by, 'submittedAt', d.submitted_at, 'closedAt', d.closed_at,
      'withdrawn', coalesce((
        SELECT sum(CASE l.kind WHEN 'dispute_withdrawn' THEN l.amount ELSE -l.amount END) FROM ledger_entries l
        WHERE l.order_id = d.order_id AND l.kind IN ('dispute_withdrawn', 'dispute_reinstated')
          AND starts_with(l.operation_key, 'dispute:' || d.dispute_id || ':')), 0)
    ) ORDER BY d.opened_at, d.dispute_id COLLATE "C")
    FROM disputes d WHERE d.order_id = o.order_id),
  'exceptions', (
    SELECT jsonb_agg(jsonb_build_object('kind', e.kind, 'message', e.message, 'owner', e.owner,
      'raisedAt', e.raised_at, 'workflowId', e.workflow_id) ORDER BY e.exception_id)
    FROM exceptions e WHERE e.order_id = o.order_id AND e.resolved_at IS NULL)
) AS record
FROM orders o;

-- A dispute with everything that a step decides on or a view shows, as one document; the evidence is no part of it.
CREATE VIEW dispute_documents AS
SELECT d.dispute_id, d.order_id, d.closed_at, d.recorded_at, jsonb_build_object(
  'disputeId', d.dispute_id, 'orderId', d.order_id, 'attempt', d.attempt, 'paymentIntentId', d.payment_intent_id,
  'chargeId', d.charge_id, 'stage', d.stage, 'providerStatus', d.provider_status, 'isInquiry', d.is_inquiry,
  'amount', d.amount, 'currency', d.currency, 'reason', d.reason, 'openedAt', d.opened_at, 'dueBy', d.due_by,
  'submittedAt', d.submitted_at, 'closedAt', d.closed_at, 'round', d.round, 'roundBeganAt', d.round_began_at,
  'submissionCount', d.submission_count, 'roundSubmissions', d.round_submissions,
  'feeAmount', d.fee_amount, 'feeCurrency', d.fee_currency, 'evidenceCollectedAt', d.evidence_collected_at,
  'warnedMs', d.warned_ms, 'decision', d.decision, 'fetchedAt', d.fetched_at,
  'withdrawn', coalesce(m.withdrawn, 0), 'movements', m.keys,
  'orderState', (SELECT o.state FROM orders o WHERE o.order_id = d.order_id),
  'linesToShip', (
    SELECT jsonb_agg(jsonb_build_object('sku', l.sku, 'quantity', l.quantity - l.shipped - l.cancelled) ORDER BY l.position)
    FROM order_lines l WHERE l.order_id = d.order_id AND l.quantity > l.shipped + l.cancelled),
  'openRefunds', (
    SELECT jsonb_agg(r.refund_id ORDER BY r.requested_at, r.refund_id COLLATE "C") FROM refunds r
    WHERE r.order_id = d.order_id AND r.state IN ('waiting', 'pending', 'requires_action')
      AND (r.state = 'waiting' OR EXISTS (SELECT FROM refund_parts p
        WHERE p.refund_id = r.refund_id AND p.payment_intent_id = d.payment_intent_id))),
  'exceptions', (
    SELECT jsonb_agg(jsonb_build_object('kind', e.kind, 'message', e.message, 'owner', e.owner, 'raisedAt', e.raised_at)
      ORDER BY e.exception_id)
    FROM exceptions e
    WHERE e.order_id = d.order_id AND e.workflow_id = 'dispute-' || d.dispute_id AND e.resolved_at IS NULL)
) AS record
FROM disputes d
LEFT JOIN LATERAL (
  SELECT sum(CASE l.kind WHEN 'dispute_withdrawn' THEN l.amount ELSE -l.amount END) AS withdrawn,
    jsonb_agg(l.operation_key) AS keys
  FROM ledger_entries l
  WHERE l.order_id = d.order_id AND l.kind IN ('dispute_withdrawn', 'dispute_reinstated')
    AND starts_with(l.operation_key, 'dispute:' || d.dispute_id || ':')
) m ON true;

CREATE VIEW fraud_warning_documents AS
SELECT w.warning_id, w.order_id, w.closed_at, w.recorded_at, jsonb_build_object(
  'warningId', w.warning_id, 'orderId', w.order_id, 'paymentIntentId', w.payment_intent_id, 'chargeId', w.charge_id,
  'fraudType', w.fraud_type, 'actionable', w.actionable, 'receivedAt', w.received_at, 'until', w.until,
  'currency', o.currency, 'decision', w.decision, 'decidedBy', w.decided_by, 'decidedAt', w.decided_at,
  'refundId', w.refund_id, 'ended', w.ended, 'closedAt', w.closed_at,
  'refundState', (SELECT r.state FROM refunds r WHERE r.refund_id = w.refund_id),
  'refundable', coalesce((
    SELECT sum(a.captured_amount - a.refund_pending_amount - a.refunded_amount - a.refunded_outside_amount)
    FROM payment_attempts a WHERE a.order_id = w.order_id), 0),
  'captured', coalesce((
    SELECT sum(a.captured_amount) FROM payment_attempts a
    WHERE a.order_id = w.order_id AND a.payment_intent_id = w.payment_intent_id), 0),
  'paymentRefundable', coalesce((
    SELECT sum(a.captured_amount - a.refund_pending_amount - a.refunded_amount - a.refunded_outside_amount)
    FROM payment_attempts a WHERE a.order_id = w.order_id AND a.payment_intent_id = w.payment_intent_id), 0),
  'disputed', EXISTS (SELECT FROM disputes d
    WHERE d.order_id = w.order_id AND d.payment_intent_id = w.payment_intent_id),
  'linesToShip', (
    SELECT jsonb_agg(jsonb_build_object('sku', l.sku, 'quantity', l.quantity - l.shipped - l.cancelled) ORDER BY l.position)
    FROM order_lines l WHERE l.order_id = w.order_id AND l.quantity > l.shipped + l.cancelled),
  'exceptions', (
    SELECT jsonb_agg(jsonb_build_object('kind', e.kind, 'message', e.message, 'owner', e.owner, 'raisedAt', e.raised_at)
      ORDER BY e.exception_id)
    FROM exceptions e
    WHERE e.order_id = w.order_id AND e.workflow_id = 'fraud-warning-' || w.warning_id AND e.resolved_at IS NULL)
) AS record
FROM fraud_warnings w JOIN orders o USING (order_id);
