-- Locks the row, because the evidence is read, extended and written back. $1 dispute id
SELECT evidence FROM disputes WHERE dispute_id = $1 FOR UPDATE
