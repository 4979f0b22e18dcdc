-- What is not true any more is not told, whoever has the notice at that moment; and what is true and did not reach
-- everybody for certain may be sent again by a person.
ALTER TABLE notices
  -- since when what it says is not true any more, where that is known
  ADD COLUMN overtaken_at timestamptz,
  -- when, and by whom, it was last asked to be sent again
  ADD COLUMN asked_again_at timestamptz,
  ADD COLUMN asked_again_by text,
  ADD CHECK ((asked_again_at IS NULL) = (asked_again_by IS NULL));
