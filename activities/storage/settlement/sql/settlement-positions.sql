-- The total in our ledger of every position that moved from $1 until $2, or that is named in $3. Rows are found by id before they are
-- read, because one condition with OR over several columns would read the whole table.
WITH dispute_entries AS (
  SELECT entry_id FROM ledger_entries
  WHERE occurred_at >= $1 AND occurred_at < $2 AND kind IN ('dispute_withdrawn', 'dispute_reinstated')
  UNION SELECT entry_id FROM ledger_entries
  WHERE kind IN ('dispute_withdrawn', 'dispute_reinstated') AND split_part(operation_key, ':', 3) IN (
    SELECT substr(name, 9) FROM unnest($3::text[]) AS name WHERE starts_with(name, 'dispute:'))
), parts AS (
  SELECT refund_id, part FROM refund_parts WHERE provider_created_at >= $1 AND provider_created_at < $2
  UNION SELECT refund_id, part FROM refund_parts WHERE settled_at >= $1 AND settled_at < $2
  UNION SELECT refund_id, part FROM refund_parts WHERE provider_refund_id IN (
    SELECT substr(name, 8) FROM unnest($3::text[]) AS name WHERE starts_with(name, 'refund:'))
)
SELECT 'charge:' || payment_intent_id AS position, 'charge' AS kind, min(order_id) AS "orderId", min(currency) AS currency,
  sum(amount)::bigint AS amount, false AS "isPending"
FROM ledger_entries
WHERE kind = 'captured' AND payment_intent_id IN (
  SELECT payment_intent_id FROM ledger_entries WHERE kind = 'captured' AND occurred_at >= $1 AND occurred_at < $2
  UNION SELECT substr(name, 8) FROM unnest($3::text[]) AS name WHERE starts_with(name, 'charge:'))
GROUP BY payment_intent_id
UNION ALL
SELECT 'refund:' || p.provider_refund_id, 'refund', p.order_id, r.currency,
  CASE WHEN p.status IN ('failed', 'canceled') THEN 0 ELSE -p.amount END, p.status <> 'succeeded'
FROM parts JOIN refund_parts p USING (refund_id, part) JOIN refunds r USING (refund_id)
WHERE p.provider_refund_id IS NOT NULL
UNION ALL
SELECT 'dispute:' || split_part(operation_key, ':', 3), 'dispute', order_id, currency,
  CASE kind WHEN 'dispute_withdrawn' THEN -amount ELSE amount END, false
FROM dispute_entries JOIN ledger_entries USING (entry_id)
