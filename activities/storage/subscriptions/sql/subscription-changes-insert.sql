-- $1 subscription id, $2 [{kind, before, after, invoiceId, prorationAmount, currency}], $3 when
INSERT INTO subscription_changes (subscription_id, kind, items_before, items_after, invoice_id, proration_amount, currency,
  occurred_at)
SELECT $1, x.kind, x.before, x.after, x."invoiceId", x."prorationAmount", x.currency, $3
FROM jsonb_to_recordset($2::jsonb) AS x(kind text, before jsonb, after jsonb, "invoiceId" text, "prorationAmount" bigint,
  currency text)
