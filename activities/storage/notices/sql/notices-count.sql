-- Counts notices that still wait or need attention, which those that were sent, dropped or overtaken do not.
SELECT status, count(*)::integer AS count FROM notices
WHERE status IN ('queued', 'sending') OR status IN ('in_doubt', 'failed') AND overtaken_at IS NULL
GROUP BY status
