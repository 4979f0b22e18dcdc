-- $1 from, $2 to (exclusive), $3 limit of card kinds; the first row is the sum of all
WITH results AS (
  SELECT brand, funding, country, outcome = 'authorized' AS authorized,
    outcome = 'declined' AND (coalesce(network_status, '') IN ('not_sent_to_network', 'reversed_after_approval')
      OR (network_status IS NULL AND charge_id IS NULL)) AS blocked
  FROM authorization_results WHERE at >= $1 AND at < $2
)
SELECT brand, funding, country, count(*) FILTER (WHERE authorized)::integer AS authorized,
  count(*) FILTER (WHERE NOT authorized AND NOT blocked)::integer AS declined,
  count(*) FILTER (WHERE blocked)::integer AS blocked
FROM results
GROUP BY GROUPING SETS ((brand, funding, country), ())
ORDER BY grouping(brand) DESC, count(*) DESC, brand, funding, country
LIMIT $3 + 1
