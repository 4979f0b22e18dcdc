-- Those that still wait, and those that want a look: what was sent, dropped or overtaken wants none.
SELECT status, count(*)::integer AS count FROM notices
WHERE status IN ('queued', 'sending') OR status IN ('in_doubt', 'failed') AND overtaken_at IS NULL
GROUP BY status
