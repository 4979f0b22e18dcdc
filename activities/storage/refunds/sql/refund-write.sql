-- $1 refund id, $2 order id, $3 amount, $4 currency, $5 lines or null, $6 reason, $7 actor, $8 state, $9 requested at,
-- $10 settle by, $11 watch until, $12 resolution or null, $13 ended reason or null, $14 now
INSERT INTO refunds (refund_id, order_id, amount, currency, lines, reason, actor, state, requested_at, settle_by, watch_until,
  resolution, ended_reason, updated_at)
VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7, $8, $9, $10, $11, $12::jsonb, $13, $14)
ON CONFLICT (refund_id) DO UPDATE SET amount = excluded.amount, lines = excluded.lines, state = excluded.state,
  settle_by = excluded.settle_by, watch_until = excluded.watch_until, resolution = excluded.resolution,
  ended_reason = excluded.ended_reason, updated_at = excluded.updated_at
