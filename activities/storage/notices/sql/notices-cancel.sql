-- Cancels notices that still wait. A notice that one of several channels has delivered counts as sent; only the other channels are
-- dropped. A notice that is being handed over, has failed or is in doubt is marked, so that no later try sends it.
-- `neverSent`: no channel has delivered it or may have. $1 subject type, $2 subject id, $3 kinds (null: all), $4 now
UPDATE notices SET
  overtaken_at = $4,
  status = CASE
    WHEN status <> 'queued' THEN status
    WHEN channels_done <> '{}' THEN 'sent'
    WHEN channels_in_doubt <> '{}' THEN 'in_doubt'
    ELSE 'canceled' END,
  sent_at = CASE WHEN status = 'queued' AND channels_done <> '{}' THEN $4::timestamptz ELSE sent_at END,
  finished_at = CASE WHEN status = 'queued' THEN $4::timestamptz ELSE finished_at END
WHERE subject_type = $1 AND subject_id = $2 AND ($3::text[] IS NULL OR kind = ANY ($3))
  AND status IN ('queued', 'sending', 'in_doubt', 'failed', 'expired') AND overtaken_at IS NULL
RETURNING notice_key AS "noticeKey",
  status <> 'sending' AND channels_done = '{}' AND channels_in_doubt = '{}' AS "neverSent"
