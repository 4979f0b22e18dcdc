-- $1 the row as JSON, $2 now
INSERT INTO subscriptions AS s (subscription_id, stripe_customer_id, provider_status, stage, stage_since, trial, currency,
  items, current_period_end, trial_ends_at, cancel_at_period_end, ended_at, end_reason, collection_paused,
  has_payment_method, invoice_id, upcoming_amount, exhausted, entitled, time_zone, waiting_on, waiting_until, waiting_why,
  fetched_at, event_sequence, trace_id, version, recorded_at, updated_at)
SELECT x.*, 1, $2::timestamptz, $2::timestamptz
FROM jsonb_to_record($1::jsonb) AS x(subscription_id text, stripe_customer_id text, provider_status text, stage text,
  stage_since timestamptz, trial text, currency text, items jsonb, current_period_end timestamptz,
  trial_ends_at timestamptz, cancel_at_period_end boolean, ended_at timestamptz, end_reason text,
  collection_paused boolean, has_payment_method boolean, invoice_id text, upcoming_amount bigint, exhausted boolean,
  entitled boolean, time_zone text, waiting_on text, waiting_until timestamptz, waiting_why text, fetched_at timestamptz,
  event_sequence integer, trace_id text)
ON CONFLICT (subscription_id) DO UPDATE SET
  stripe_customer_id = excluded.stripe_customer_id, provider_status = excluded.provider_status, stage = excluded.stage,
  stage_since = excluded.stage_since, trial = excluded.trial, currency = excluded.currency, items = excluded.items,
  current_period_end = excluded.current_period_end, trial_ends_at = excluded.trial_ends_at,
  cancel_at_period_end = excluded.cancel_at_period_end, ended_at = excluded.ended_at, end_reason = excluded.end_reason,
  collection_paused = excluded.collection_paused, has_payment_method = excluded.has_payment_method,
  invoice_id = excluded.invoice_id, upcoming_amount = excluded.upcoming_amount, exhausted = excluded.exhausted,
  entitled = excluded.entitled, time_zone = excluded.time_zone, waiting_on = excluded.waiting_on,
  waiting_until = excluded.waiting_until, waiting_why = excluded.waiting_why, fetched_at = excluded.fetched_at,
  event_sequence = excluded.event_sequence, version = s.version + 1, updated_at = excluded.updated_at
