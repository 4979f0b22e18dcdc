SELECT count(*)::integer AS count FROM outbox WHERE published_at IS NULL
