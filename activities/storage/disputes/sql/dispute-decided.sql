-- $1 dispute id, $2 decision, $3 encrypted evidence (null: as it is), $4 waiting on, $5 until, $6 why, $7 now
UPDATE disputes SET decision = $2::jsonb, evidence = coalesce($3, evidence), waiting_on = $4, waiting_until = $5,
  waiting_why = $6, updated_at = $7
WHERE dispute_id = $1
