-- Indexes for questions that read a table from end to end at a million orders (test/bench/plans/QUERY-PLANS.md has the plans before and after).

CREATE INDEX orders_by_state ON orders (state, placed_at DESC, order_id DESC);
CREATE INDEX orders_waiting_on ON orders (waiting_on, placed_at DESC, order_id DESC) WHERE waiting_on IS NOT NULL;
-- holds that are still open
CREATE INDEX payment_attempts_held ON payment_attempts (capture_before) WHERE authorized_amount > captured_amount + released_amount;
CREATE INDEX ledger_entries_captured ON ledger_entries (payment_intent_id) WHERE kind = 'captured';
-- the provider's balance transactions that moved a dispute's money
CREATE INDEX ledger_entries_disputed ON ledger_entries (split_part(operation_key, ':', 3))
  WHERE kind IN ('dispute_withdrawn', 'dispute_reinstated');
CREATE INDEX refund_parts_created ON refund_parts (provider_created_at) WHERE provider_created_at IS NOT NULL;
CREATE INDEX refund_parts_settled ON refund_parts (settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX disputes_open_newest ON disputes (recorded_at DESC, dispute_id DESC) WHERE closed_at IS NULL;
CREATE INDEX fraud_warnings_newest ON fraud_warnings (recorded_at DESC, warning_id DESC);
CREATE INDEX exceptions_open_oldest ON exceptions (raised_at, exception_id) WHERE resolved_at IS NULL;
