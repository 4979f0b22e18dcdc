-- $1 [{orderId, attempt, paymentIntentId, kind, amount, currency, operationKey, occurredAt}]
INSERT INTO ledger_entries (order_id, attempt, payment_intent_id, kind, amount, currency, operation_key, occurred_at)
SELECT "orderId", attempt, "paymentIntentId", kind, amount, currency, "operationKey", "occurredAt"
FROM jsonb_to_recordset($1::jsonb) AS x("orderId" text, attempt integer, "paymentIntentId" text, kind text,
  amount bigint, currency text, "operationKey" text, "occurredAt" timestamptz)
