-- What a person decided about an exception, who, and why. The note holds no personal data.
ALTER TABLE exceptions
  ADD COLUMN resolution text CHECK (resolution IN ('retry', 'give_up', 'dismiss')),
  ADD COLUMN resolved_by text CHECK (resolved_by <> ''),
  ADD COLUMN note text CHECK (length(note) <= 500),
  ADD CONSTRAINT exceptions_decided_by_somebody CHECK ((resolution IS NULL) = (resolved_by IS NULL));
