-- An order with everything that a step decides on or a view shows, as one document. Written once: every statement that reads
-- orders whole reads it here, and a predicate on the order's own columns reaches its indexes.
CREATE VIEW order_documents AS
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
      'authorizedAt', a.authorized_at, 'captureBefore', a.capture_before, 'multicapture', a.multicapture)
      ORDER BY a.attempt)
    FROM payment_attempts a WHERE a.order_id = o.order_id),
  'exceptions', (
    SELECT jsonb_agg(jsonb_build_object('kind', e.kind, 'message', e.message, 'owner', e.owner,
      'raisedAt', e.raised_at, 'workflowId', e.workflow_id) ORDER BY e.exception_id)
    FROM exceptions e WHERE e.order_id = o.order_id AND e.resolved_at IS NULL)
) AS record
FROM orders o;
