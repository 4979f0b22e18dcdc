-- Ignored events that have a reason are of a type that has a handler, but about an object that is not ours.
SELECT CASE WHEN status = 'ignored' AND last_error IS NOT NULL THEN 'foreign' ELSE status END AS status,
  count(*)::integer AS count
FROM inbox GROUP BY 1
