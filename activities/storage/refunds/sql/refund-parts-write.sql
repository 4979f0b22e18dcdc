-- $1 refund id, $2 order id, $3 [{part, attempt, paymentIntentId, amount, operationKey, status, providerRefundId, ...}]
INSERT INTO refund_parts (refund_id, order_id, part, attempt, payment_intent_id, amount, operation_key, status,
  provider_refund_id, failure_reason, pending_reason, failure_balance_transaction, provider_created_at, settled_at, resolved_at)
SELECT $1, $2, x.part, x.attempt, x."paymentIntentId", x.amount, x."operationKey", x.status, x."providerRefundId",
  x."failureReason", x."pendingReason", x."failureBalanceTransaction", x."createdAt", x."settledAt", x."resolvedAt"
FROM jsonb_to_recordset($3::jsonb) AS x(part integer, attempt integer, "paymentIntentId" text, amount bigint,
  "operationKey" text, status text, "providerRefundId" text, "failureReason" text, "pendingReason" text,
  "failureBalanceTransaction" text, "createdAt" timestamptz, "settledAt" timestamptz, "resolvedAt" timestamptz)
ON CONFLICT (refund_id, part) DO UPDATE SET status = excluded.status, provider_refund_id = excluded.provider_refund_id,
  failure_reason = excluded.failure_reason, pending_reason = excluded.pending_reason,
  failure_balance_transaction = excluded.failure_balance_transaction, provider_created_at = excluded.provider_created_at,
  settled_at = excluded.settled_at, resolved_at = excluded.resolved_at
