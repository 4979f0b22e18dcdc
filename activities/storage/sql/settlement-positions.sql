-- What our ledger says in all of every position that moved from $1 until $2, or that is named in $3
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
FROM refund_parts p JOIN refunds r USING (refund_id)
WHERE p.provider_refund_id IS NOT NULL AND (
  (p.provider_created_at >= $1 AND p.provider_created_at < $2) OR (p.settled_at >= $1 AND p.settled_at < $2)
  OR 'refund:' || p.provider_refund_id = ANY ($3))
UNION ALL
SELECT 'dispute:' || split_part(operation_key, ':', 3), 'dispute', order_id, currency,
  CASE kind WHEN 'dispute_withdrawn' THEN -amount ELSE amount END, false
FROM ledger_entries
WHERE kind IN ('dispute_withdrawn', 'dispute_reinstated') AND (
  (occurred_at >= $1 AND occurred_at < $2) OR 'dispute:' || split_part(operation_key, ':', 3) = ANY ($3))
