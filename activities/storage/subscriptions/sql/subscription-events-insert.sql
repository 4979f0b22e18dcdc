-- $1 subscription id, $2 trace id, $3 causation, $4 now, $5 [{sequence, type, data}]
INSERT INTO outbox (event_id, aggregate, order_id, sequence, type, version, data, causation, trace_id, occurred_at)
SELECT gen_random_uuid(), 'subscription', $1, x.sequence, x.type, 1, x.data, $3, $2, $4
FROM jsonb_to_recordset($5::jsonb) AS x(sequence integer, type text, data jsonb)
ORDER BY x.sequence
