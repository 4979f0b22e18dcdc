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
  fee_amount integer NOT NULL DEFAULT 0,
  -- names people: encrypted
  evidence bytea,
  evidence_collected_at timestamptz,
  warned_hours integer[] NOT NULL DEFAULT '{}',
  decision jsonb,
  submitted_at timestamptz,
  closed_at timestamptz,
  updated_at timestamptz NOT NULL,
  FOREIGN KEY (order_id, attempt) REFERENCES payment_attempts,
  CONSTRAINT disputes_end_once CHECK ((stage IN ('evidence_due', 'under_review')) = (closed_at IS NULL))
);

CREATE INDEX disputes_order ON disputes (order_id);
CREATE INDEX disputes_open ON disputes (due_by) WHERE closed_at IS NULL;

CREATE TABLE fraud_warnings (
  warning_id text PRIMARY KEY CHECK (warning_id <> ''),
  order_id text NOT NULL REFERENCES orders,
  payment_intent_id text NOT NULL,
  charge_id text NOT NULL,
  fraud_type text NOT NULL,
  actionable boolean NOT NULL,
  received_at timestamptz NOT NULL,
  decision text CHECK (decision IN ('refund', 'ignore')),
  decided_by text,
  decided_at timestamptz,
  refund_id text,
  closed_at timestamptz,
  CHECK ((decision IS NULL) = (decided_at IS NULL))
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
      'parts', (
        SELECT jsonb_agg(jsonb_build_object('part', p.part, 'attempt', p.attempt, 'paymentIntentId', p.payment_intent_id,
          'amount', p.amount, 'status', p.status, 'providerRefundId', p.provider_refund_id,
          'failureReason', p.failure_reason, 'pendingReason', p.pending_reason,
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
