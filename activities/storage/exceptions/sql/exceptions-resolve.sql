-- $1 workflow id, $2 kinds, $3 now
UPDATE exceptions SET resolved_at = greatest($3::timestamptz, raised_at)
WHERE workflow_id = $1 AND kind = ANY ($2::text[]) AND resolved_at IS NULL
RETURNING kind
