-- Differences that still exist keep the day on which they were found; the others are resolved. $1 day,
-- $2 [{position, kind, cause, explained, orderId, currency, ledgerAmount, providerAmount}], $3 now
WITH found AS (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS x(position text, kind text, cause text, explained boolean, "orderId" text,
    currency text, "ledgerAmount" bigint, "providerAmount" bigint)
), gone AS (
  UPDATE settlement_differences d SET resolved_at = $3
  WHERE d.settled_on = $1 AND d.resolved_at IS NULL AND d.position NOT IN (SELECT position FROM found)
)
INSERT INTO settlement_differences (settled_on, position, kind, cause, explained, order_id, currency, ledger_amount,
  provider_amount, found_at)
SELECT $1, position, kind, cause, explained, "orderId", currency, "ledgerAmount", "providerAmount", $3 FROM found
ON CONFLICT (settled_on, position) DO UPDATE SET cause = excluded.cause, explained = excluded.explained,
  ledger_amount = excluded.ledger_amount, provider_amount = excluded.provider_amount, resolved_at = NULL
