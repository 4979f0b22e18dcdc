-- Amounts are 64 bit: cards take twelve digits, and a sum of a few orders in rupiah passes 2^31.
-- Views stand in the way of a column's new type. They are made again from their own definition, whatever it is by now.
DO $$
DECLARE
  views text[][] := '{}';
  found record;
BEGIN
  FOR found IN
    SELECT c.oid, c.oid::regclass::text AS name, pg_get_viewdef(c.oid) AS definition, obj_description(c.oid) AS comment
    FROM pg_class c WHERE c.relkind = 'v' AND c.relnamespace = 'public'::regnamespace ORDER BY c.oid DESC
  LOOP
    EXECUTE format('DROP VIEW %s', found.name);
    views := views || ARRAY[[found.name, found.definition, coalesce(found.comment, '')]];
  END LOOP;

  FOR found IN
    SELECT c.conrelid::regclass::text AS relation, c.conname, pg_get_constraintdef(c.oid) AS definition
    FROM pg_constraint c
    WHERE c.contype = 'c' AND c.connamespace = 'public'::regnamespace AND pg_get_constraintdef(c.oid) ~ '\m99999999\M'
  LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I %s', found.relation, found.conname,
      found.conname, regexp_replace(found.definition, '\m99999999\M', '999999999999'));
  END LOOP;

  FOR found IN
    SELECT t.oid::regclass::text AS relation, string_agg(format('ALTER COLUMN %I TYPE bigint', a.attname), ', ') AS changes
    FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
    WHERE t.relkind = 'r' AND t.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
      AND a.atttypid = 'integer'::regtype AND a.attname ~ '(^|_)amount(_|$)'
    GROUP BY t.oid
  LOOP
    EXECUTE format('ALTER TABLE %s %s', found.relation, found.changes);
  END LOOP;

  FOR at IN REVERSE coalesce(array_length(views, 1), 0)..1 LOOP
    EXECUTE format('CREATE VIEW %s AS %s', views[at][1], views[at][2]);
    IF views[at][3] <> '' THEN
      EXECUTE format('COMMENT ON VIEW %s IS %L', views[at][1], views[at][3]);
    END IF;
  END LOOP;
END;
$$;
