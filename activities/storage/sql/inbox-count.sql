SELECT status, count(*)::integer AS count FROM inbox GROUP BY status
