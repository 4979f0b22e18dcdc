-- $1 subscription id, $2 the rows as JSON, $3 now
INSERT INTO subscription_invoices (invoice_id, subscription_id, status, billing_reason, amount_due, amount_paid, currency,
  attempt_count, next_attempt_at, created_at, failed_at, decline_code, decline_class, proration_amount, updated_at)
SELECT x."invoiceId", $1, x.status, x."billingReason", x."amountDue", x."amountPaid", x.currency, x."attemptCount",
  x."nextAttemptAt", x."createdAt", x."failedAt", x."declineCode", x."declineClass", x."prorationAmount", $3
FROM jsonb_to_recordset($2::jsonb) AS x("invoiceId" text, status text, "billingReason" text, "amountDue" bigint,
  "amountPaid" bigint, currency text, "attemptCount" integer, "nextAttemptAt" timestamptz, "createdAt" timestamptz,
  "failedAt" timestamptz, "declineCode" text, "declineClass" text, "prorationAmount" bigint)
ORDER BY x."invoiceId" COLLATE "C"
ON CONFLICT (invoice_id) DO UPDATE SET
  status = excluded.status, billing_reason = excluded.billing_reason, amount_due = excluded.amount_due,
  amount_paid = excluded.amount_paid, attempt_count = excluded.attempt_count,
  next_attempt_at = excluded.next_attempt_at, failed_at = excluded.failed_at, decline_code = excluded.decline_code,
  decline_class = excluded.decline_class, proration_amount = excluded.proration_amount, updated_at = excluded.updated_at
