-- One day's comparison with the differences that are left. $1 day
SELECT to_char(r.settled_on, 'YYYY-MM-DD') AS date, r.provider_movements AS "providerMovements", r.matched,
  r.ran_at AS "ranAt", coalesce(jsonb_agg(jsonb_build_object('position', d.position, 'kind', d.kind, 'cause', d.cause,
    'explained', d.explained, 'orderId', d.order_id, 'currency', d.currency, 'ledgerAmount', d.ledger_amount,
    'providerAmount', d.provider_amount) ORDER BY d.explained, d.position COLLATE "C")
    FILTER (WHERE d.position IS NOT NULL), '[]') AS differences
FROM settlement_runs r LEFT JOIN settlement_differences d ON d.settled_on = r.settled_on AND d.resolved_at IS NULL
WHERE r.settled_on = $1
GROUP BY r.settled_on
