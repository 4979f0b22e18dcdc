-- $1 older than, $2 limit
SELECT prune_by_age('authorization_results', $1, $2) AS count
