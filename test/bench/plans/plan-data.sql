-- A shop's year, in set-based statements: $ORDERS orders placed evenly over 365 days before now(), 97 of 100 over, one line and one
-- parcel each, every 30th refunded in part, every 500th disputed, every 1000th with an open exception. Triggers and foreign keys are off
-- (session_replication_role), so the sums that triggers keep are written here.
SET session_replication_role = replica;

CREATE TEMP TABLE made AS
SELECT n, 'ord_' || n AS order_id, 'pi_' || n AS pi, now() - (n * interval '365 days' / $ORDERS) AS at,
  CASE WHEN n % 100 = 0 OR n < $ORDERS / 100 THEN 'allocated' WHEN n % 33 = 0 THEN 'cancelled' ELSE 'delivered' END AS state
FROM generate_series(1, $ORDERS) n;

INSERT INTO payment_attempts (order_id, attempt, operation_key, cart_id, purpose, amount, currency, payment_intent_id, status,
  authorized_amount, captured_amount, released_amount, authorized_at, capture_before, started_at, updated_at)
SELECT order_id, 1, 'authorize:' || order_id || ':1', 'cart_' || n, 'checkout', 5000, 'eur', pi,
  CASE state WHEN 'delivered' THEN 'captured' WHEN 'cancelled' THEN 'voided' ELSE 'authorized' END, 5000,
  CASE state WHEN 'delivered' THEN 5000 ELSE 0 END, CASE state WHEN 'cancelled' THEN 5000 ELSE 0 END,
  at, at + interval '7 days', at, at FROM made;

INSERT INTO orders (order_id, cart_id, channel, currency, state, payment_state, capture_on, shipping_amount, tax_amount,
  total_amount, policy, customer_id, personal_data, payment_method_id, hold_attempt, waiting_on, waiting_until, waiting_why,
  event_sequence, version, trace_id, placed_at, updated_at)
SELECT order_id, 'cart_' || n, 'web', 'eur', state,
  CASE state WHEN 'delivered' THEN 'captured' WHEN 'cancelled' THEN 'voided' ELSE 'authorized' END, 'shipment', 0, 0, 5000, '{}',
  'customer_' || n % 50000, '\x00', 'pm_1', CASE state WHEN 'allocated' THEN 1 END,
  CASE state WHEN 'allocated' THEN 'warehouse' END,
  -- one in ten of them waits for longer than it should
  CASE state WHEN 'allocated' THEN CASE WHEN n % 10 = 5 THEN now() - interval '1 hour' ELSE now() + interval '2 days' END END,
  CASE state WHEN 'allocated' THEN 'to ship' END, 3, 3, md5(n::text), at, at + interval '3 days' FROM made;

INSERT INTO order_lines (order_id, position, sku, quantity, unit_amount, shipped, cancelled)
SELECT order_id, 0, 'MUG-BLUE', 1, 5000, (state = 'delivered')::int, (state = 'cancelled')::int FROM made;

INSERT INTO shipments (order_id, shipment_id, lines, carrier, tracking_number, amount, shipped_at, delivered_at)
SELECT order_id, 'dhl/' || n, '[{"sku": "MUG-BLUE", "quantity": 1}]', 'dhl', n::text, 5000, at + interval '1 day',
  at + interval '3 days' FROM made WHERE state = 'delivered';

INSERT INTO ledger_entries (order_id, attempt, payment_intent_id, kind, amount, currency, operation_key, occurred_at)
SELECT order_id, 1, pi, kind, 5000, 'eur', kind || ':' || order_id, at + interval '1 day'
FROM made, unnest(ARRAY['authorized', CASE state WHEN 'delivered' THEN 'captured' WHEN 'cancelled' THEN 'released' END]) AS kind
WHERE kind IS NOT NULL;

INSERT INTO refunds (refund_id, order_id, amount, currency, reason, actor, state, requested_at, settle_by, watch_until, updated_at)
SELECT 'rf_' || n, order_id, 1000, 'eur', 'damaged', 'api', CASE WHEN n < $ORDERS / 50 THEN 'pending' ELSE 'succeeded' END,
  at + interval '5 days', at + interval '15 days', at + interval '65 days', at + interval '6 days'
FROM made WHERE state = 'delivered' AND n % 30 = 1;
INSERT INTO refund_parts (refund_id, part, order_id, attempt, payment_intent_id, amount, operation_key, status, provider_refund_id,
  provider_created_at, settled_at)
SELECT refund_id, 1, order_id, 1, 'pi_' || substr(order_id, 5), amount, 'refund:' || refund_id || ':1', state, 're_' || refund_id,
  requested_at, CASE state WHEN 'succeeded' THEN updated_at END FROM refunds;

INSERT INTO disputes (dispute_id, order_id, attempt, payment_intent_id, charge_id, provider_status, is_inquiry, amount, currency,
  reason, stage, opened_at, due_by, round, round_began_at, submission_count, round_submissions, fee_currency, closed_at, waiting_on,
  waiting_until, waiting_why, fetched_at, recorded_at, updated_at)
SELECT 'dp_' || n, order_id, 1, pi, 'ch_' || n, CASE WHEN n % 10 = 1 THEN 'needs_response' ELSE 'lost' END, false, 5000, 'eur',
  'fraudulent', CASE WHEN n % 10 = 1 THEN 'evidence_due' ELSE 'lost' END, at, at, 1, at, 0, 0, 'eur',
  CASE WHEN n % 10 = 1 THEN NULL ELSE at END, CASE WHEN n % 10 = 1 THEN 'approver' END, CASE WHEN n % 10 = 1 THEN at END,
  CASE WHEN n % 10 = 1 THEN 'evidence' END, at, at, at
FROM made WHERE state = 'delivered' AND n % 500 IN (1, 7);
INSERT INTO ledger_entries (order_id, attempt, payment_intent_id, kind, amount, currency, operation_key, occurred_at)
SELECT order_id, 1, payment_intent_id, 'dispute_withdrawn', 5000, 'eur', 'dispute:' || dispute_id || ':txn_' || dispute_id, opened_at
FROM disputes;

INSERT INTO fraud_warnings (warning_id, order_id, payment_intent_id, charge_id, fraud_type, actionable, received_at, until, closed_at,
  ended, recorded_at, updated_at)
SELECT 'issfr_' || n, order_id, pi, 'ch_' || n, 'made_with_stolen_card', true, at, at, CASE WHEN n % 10 = 1 THEN NULL ELSE at END,
  CASE WHEN n % 10 = 1 THEN NULL ELSE 'lapsed' END, at, at FROM made WHERE state = 'delivered' AND n % 500 IN (11, 17);

INSERT INTO operations (operation_key, kind, order_id, begun_at, done_at)
SELECT kind || ':' || order_id, kind, order_id, at, at FROM made, unnest(ARRAY['reserve', 'place', 'capture']) AS kind;
INSERT INTO audit_log (order_id, operation_key, action, actor, after, at)
SELECT order_id, 'place:' || order_id, action, 'api', '{"state": "placed"}', at
FROM made, unnest(ARRAY['begin payment', 'record payment', 'place order']) AS action;
INSERT INTO authorization_results (order_id, attempt, payment_intent_id, charge_id, brand, funding, country, outcome, at)
SELECT order_id, 1, pi, 'ch_' || n, 'visa', 'credit', 'DE', 'authorized', at FROM made;

INSERT INTO exceptions (order_id, workflow_id, kind, message, owner, raised_at, resolved_at)
SELECT order_id, 'order-' || order_id, 'shipment_overdue', 'late', 'warehouse', at, CASE WHEN n % 1000 = 0 THEN NULL ELSE at + interval '1 hour' END
FROM made WHERE n % 100 = 0;

INSERT INTO outbox (event_id, order_id, sequence, type, version, data, causation, trace_id, occurred_at, published_at)
SELECT gen_random_uuid(), order_id, sequence, 'OrderPlaced', 1, '{}', 'c', 't', at, CASE WHEN n > 200 THEN at END
FROM made, generate_series(1, 3) sequence WHERE at > now() - interval '30 days';
INSERT INTO inbox (event_id, provider, type, payload, status, next_attempt_at, created_at, received_at, finished_at)
SELECT 'evt_' || n, 'stripe', 'payment_intent.succeeded', '\x00', CASE WHEN n > 200 THEN 'done' ELSE 'pending' END, at, at, at,
  CASE WHEN n > 200 THEN at END FROM made WHERE at > now() - interval '31 days';
INSERT INTO notices (notice_key, kind, subject_type, subject_id, order_id, recipient, data, due_at, queued_at, status, next_attempt_at,
  sent_at, finished_at)
SELECT 'n_' || n, 'refund_done', 'order', order_id, order_id, '{"to": "customer"}', '{}', at, at,
  CASE WHEN n > 200 THEN 'sent' ELSE 'queued' END, at, CASE WHEN n > 200 THEN at END, CASE WHEN n > 200 THEN at END
FROM made WHERE at > now() - interval '90 days';

SET session_replication_role = DEFAULT;
VACUUM ANALYZE;
