-- $1 dispute id, $2 encrypted evidence, $3 collected at, $4 now
UPDATE disputes SET evidence = $2, evidence_collected_at = $3, updated_at = $4 WHERE dispute_id = $1
