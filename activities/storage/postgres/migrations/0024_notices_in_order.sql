-- A relay has it: until its lease is over, later notices of the same subject to the same recipient wait.
ALTER TABLE notices ADD COLUMN leased boolean NOT NULL DEFAULT false;
CREATE INDEX notices_subject_unfinished ON notices (subject_type, subject_id) WHERE finished_at IS NULL;
