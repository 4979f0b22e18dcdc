-- The provider's word on whether what a dispute left of a payment can be refunded. Source: Stripe API, `is_charge_refundable`.
ALTER TABLE disputes ADD COLUMN charge_refundable boolean NOT NULL DEFAULT true;

-- Payments that the provider refunds nothing of any more: a dispute of it was lost. What a dispute that ended otherwise says of it
-- is passed over, since the money came back.
CREATE VIEW charged_back_payments AS
SELECT DISTINCT order_id, payment_intent_id FROM disputes WHERE stage = 'lost' AND NOT charge_refundable;

-- What the provider can give back of each payment. Each for itself, since one that went back twice leaves no less of another.
CREATE VIEW refundable_amounts AS
SELECT a.order_id, a.payment_intent_id, greatest(0,
  a.captured_amount - a.refund_pending_amount - a.refunded_amount - a.refunded_outside_amount - a.disputed_amount) AS amount
FROM payment_attempts a
WHERE NOT EXISTS (SELECT FROM charged_back_payments c
  WHERE c.order_id = a.order_id AND c.payment_intent_id = a.payment_intent_id);

CREATE OR REPLACE VIEW dispute_documents AS
SELECT d.dispute_id, d.order_id, d.closed_at, d.recorded_at, jsonb_build_object(
  'disputeId', d.dispute_id, 'orderId', d.order_id, 'attempt', d.attempt, 'paymentIntentId', d.payment_intent_id,
  'chargeId', d.charge_id, 'stage', d.stage, 'providerStatus', d.provider_status, 'isInquiry', d.is_inquiry,
  'amount', d.amount, 'currency', d.currency, 'reason', d.reason, 'openedAt', d.opened_at, 'dueBy', d.due_by,
  'submittedAt', d.submitted_at, 'closedAt', d.closed_at, 'round', d.round, 'roundBeganAt', d.round_began_at,
  'submissionCount', d.submission_count, 'chargeRefundable', d.charge_refundable, 'roundSubmissions', d.round_submissions,
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

CREATE OR REPLACE VIEW fraud_warning_documents AS
SELECT w.warning_id, w.order_id, w.closed_at, w.recorded_at, jsonb_build_object(
  'warningId', w.warning_id, 'orderId', w.order_id, 'paymentIntentId', w.payment_intent_id, 'chargeId', w.charge_id,
  'fraudType', w.fraud_type, 'actionable', w.actionable, 'receivedAt', w.received_at, 'until', w.until,
  'currency', o.currency, 'decision', w.decision, 'decidedBy', w.decided_by, 'decidedAt', w.decided_at,
  'refundId', w.refund_id, 'ended', w.ended, 'closedAt', w.closed_at,
  'refundState', (SELECT r.state FROM refunds r WHERE r.refund_id = w.refund_id),
  'refundable', coalesce((
    SELECT sum(a.amount) FROM refundable_amounts a WHERE a.order_id = w.order_id), 0),
  'captured', coalesce((
    SELECT sum(a.captured_amount) FROM payment_attempts a
    WHERE a.order_id = w.order_id AND a.payment_intent_id = w.payment_intent_id), 0),
  'paymentRefundable', coalesce((
    SELECT sum(a.amount) FROM refundable_amounts a WHERE a.order_id = w.order_id AND a.payment_intent_id = w.payment_intent_id), 0),
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
