-- A provider's event whose handler failed on a mistake of our own, or for days: kept and counted, tried no more.
ALTER TABLE inbox DROP CONSTRAINT inbox_status_check, DROP CONSTRAINT inbox_check;
ALTER TABLE inbox
  ADD CONSTRAINT inbox_status_check CHECK (status IN ('pending', 'waiting', 'done', 'ignored', 'failed')),
  ADD CONSTRAINT inbox_finished_check CHECK ((status IN ('done', 'ignored', 'failed')) = (finished_at IS NOT NULL));
