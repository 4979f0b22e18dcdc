-- What could be given back of an order's payments: neither what is refunded already, nor what a bank took in a dispute. Each payment
-- for itself, since one that went back twice leaves no less of another.
CREATE OR REPLACE VIEW fraud_warning_documents AS
SELECT w.warning_id, w.order_id, w.closed_at, w.recorded_at, jsonb_build_object(
  'warningId', w.warning_id, 'orderId', w.order_id, 'paymentIntentId', w.payment_intent_id, 'chargeId', w.charge_id,
  'fraudType', w.fraud_type, 'actionable', w.actionable, 'receivedAt', w.received_at, 'until', w.until,
  'currency', o.currency, 'decision', w.decision, 'decidedBy', w.decided_by, 'decidedAt', w.decided_at,
  'refundId', w.refund_id, 'ended', w.ended, 'closedAt', w.closed_at,
  'refundState', (SELECT r.state FROM refunds r WHERE r.refund_id = w.refund_id),
  'refundable', coalesce((
    SELECT sum(greatest(0,
      a.captured_amount - a.refund_pending_amount - a.refunded_amount - a.refunded_outside_amount - a.disputed_amount))
    FROM payment_attempts a WHERE a.order_id = w.order_id), 0),
  'captured', coalesce((
    SELECT sum(a.captured_amount) FROM payment_attempts a
    WHERE a.order_id = w.order_id AND a.payment_intent_id = w.payment_intent_id), 0),
  'paymentRefundable', coalesce((
    SELECT sum(greatest(0,
      a.captured_amount - a.refund_pending_amount - a.refunded_amount - a.refunded_outside_amount - a.disputed_amount))
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
