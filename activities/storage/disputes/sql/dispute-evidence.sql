-- Locked: what is kept of it is read, added to and written back. $1 dispute id
SELECT evidence FROM disputes WHERE dispute_id = $1 FOR UPDATE
