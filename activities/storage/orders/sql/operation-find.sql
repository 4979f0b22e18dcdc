SELECT done_at IS NOT NULL AS done, undone_at IS NOT NULL AS undone, detail FROM operations WHERE operation_key = $1
