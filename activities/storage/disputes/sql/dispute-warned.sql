-- $1 dispute id, $2 warnings given, $3 now
UPDATE disputes SET warned_ms = (SELECT array_agg(DISTINCT w) FROM unnest(warned_ms || $2::integer[]) w), updated_at = $3
WHERE dispute_id = $1
