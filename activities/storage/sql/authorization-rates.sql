-- $1 since
SELECT brand, funding, country, count(*) FILTER (WHERE outcome = 'authorized')::integer AS authorized,
  count(*) FILTER (WHERE outcome = 'declined')::integer AS declined
FROM authorization_results WHERE at >= $1
GROUP BY brand, funding, country
ORDER BY count(*) DESC, brand, funding, country
