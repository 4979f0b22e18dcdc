-- $1 dispute id, $2 order id, $3 attempt, $4 PaymentIntent id, $5 charge id, $6 amount, $7 currency, $8 reason,
-- $9 is inquiry, $10 provider status, $11 stage, $12 opened at, $13 due by, $14 round, $15 round began at,
-- $16 submission count, $17 submissions when the round began, $18 fee, $19 its currency, $20 evidence collected at,
-- $21 warned, $22 decision, $23 submitted at, $24 closed at, $25 waiting on, $26 until, $27 why, $28 fetched at, $29 now, $30 is the charge refundable
INSERT INTO disputes (dispute_id, order_id, attempt, payment_intent_id, charge_id, amount, currency, reason, is_inquiry,
  provider_status, stage, opened_at, due_by, round, round_began_at, submission_count, round_submissions, fee_amount,
  fee_currency, evidence_collected_at, warned_ms, decision, submitted_at, closed_at, waiting_on, waiting_until, waiting_why,
  fetched_at, recorded_at, updated_at, charge_refundable)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22::jsonb, $23, $24,
  $25, $26, $27, $28, $29::timestamptz, $29, $30)
ON CONFLICT (dispute_id) DO UPDATE SET
  amount = excluded.amount, reason = excluded.reason, is_inquiry = excluded.is_inquiry,
  provider_status = excluded.provider_status, stage = excluded.stage, due_by = excluded.due_by, round = excluded.round,
  round_began_at = excluded.round_began_at, submission_count = excluded.submission_count,
  round_submissions = excluded.round_submissions, fee_amount = excluded.fee_amount, fee_currency = excluded.fee_currency,
  evidence_collected_at = excluded.evidence_collected_at, warned_ms = excluded.warned_ms, decision = excluded.decision,
  submitted_at = excluded.submitted_at, closed_at = excluded.closed_at, waiting_on = excluded.waiting_on,
  waiting_until = excluded.waiting_until, waiting_why = excluded.waiting_why, fetched_at = excluded.fetched_at,
  updated_at = excluded.updated_at, charge_refundable = excluded.charge_refundable
