-- $1 event ids, $2 now
UPDATE outbox SET published_at = $2, claimed_until = NULL WHERE event_id = ANY ($1::uuid[]) AND published_at IS NULL
