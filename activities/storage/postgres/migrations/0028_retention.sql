-- Old rows of append-only tables go by their age and in no other way: the trigger lets a DELETE pass within prune_by_age alone.

CREATE FUNCTION refuse_change_but_by_age() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('holdfast.pruned_table', true) = TG_TABLE_NAME THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'integrity_constraint_violation';
END;
$$;

DROP TRIGGER audit_log_append_only ON audit_log;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_but_by_age();
DROP TRIGGER authorization_results_append_only ON authorization_results;
CREATE TRIGGER authorization_results_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON authorization_results
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_but_by_age();

-- Deletes at most `batch` rows that are older than `older_than`, and says how many. Only the oldest `batch` rows are looked at, so a
-- call that finds nothing to do costs nothing, and no index by time is needed.
CREATE FUNCTION prune_by_age(pruned text, older_than timestamptz, batch integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  gone integer;
BEGIN
  PERFORM set_config('holdfast.pruned_table', pruned, true);
  CASE pruned
    WHEN 'audit_log' THEN
      DELETE FROM audit_log WHERE entry_id IN (
        SELECT entry_id FROM (SELECT entry_id, at FROM audit_log ORDER BY entry_id LIMIT batch) oldest WHERE at < older_than);
    WHEN 'authorization_results' THEN
      DELETE FROM authorization_results WHERE result_id IN (
        SELECT result_id FROM (SELECT result_id, at FROM authorization_results ORDER BY result_id LIMIT batch) oldest
        WHERE at < older_than);
    ELSE
      RAISE EXCEPTION '% keeps its rows', pruned USING ERRCODE = 'integrity_constraint_violation';
  END CASE;
  GET DIAGNOSTICS gone = ROW_COUNT;
  PERFORM set_config('holdfast.pruned_table', '', true);
  RETURN gone;
END;
$$;

-- The oldest operations, whose keys and tombstones are pruned once their order is over (../sql/operations-prune.sql).
CREATE INDEX operations_begun ON operations (begun_at);
