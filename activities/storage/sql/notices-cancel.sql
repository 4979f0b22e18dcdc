-- Takes back what still waits. What one of several channels has taken was told, so it counts as sent and only its rest is
-- dropped. $1 subject type, $2 subject id, $3 kinds (null: all), $4 now
UPDATE notices SET
  status = CASE WHEN channels_done <> '{}' THEN 'sent' WHEN channels_in_doubt <> '{}' THEN 'in_doubt' ELSE 'canceled' END,
  sent_at = CASE WHEN channels_done <> '{}' THEN $4::timestamptz END,
  finished_at = $4
WHERE subject_type = $1 AND subject_id = $2 AND status = 'queued' AND ($3::text[] IS NULL OR kind = ANY ($3))
RETURNING notice_key
