-- $1 older than, $2 limit
SELECT prune_by_age('audit_log', $1, $2) AS count
