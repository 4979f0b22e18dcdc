-- $1 day, $2 now
UPDATE exceptions SET resolved_at = greatest($2::timestamptz, raised_at)
WHERE subject_type = 'settlement' AND subject_id = $1 AND resolved_at IS NULL
