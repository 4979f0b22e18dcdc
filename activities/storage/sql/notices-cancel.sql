-- Takes back what still waits. $1 subject type, $2 subject id, $3 kinds (null: all), $4 now
UPDATE notices SET status = 'canceled', finished_at = $4
WHERE subject_type = $1 AND subject_id = $2 AND status = 'queued' AND ($3::text[] IS NULL OR kind = ANY ($3))
RETURNING notice_key
