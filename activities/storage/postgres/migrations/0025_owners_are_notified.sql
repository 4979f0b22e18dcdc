-- The owner of an exception is notified once for each opening, by whatever statement it is opened, and the notice is
-- withdrawn where it is resolved first. The kinds left out have a notice of their own, with their ways out.
CREATE FUNCTION notify_exception_owner() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE about_type text := coalesce(NEW.subject_type, 'order');
DECLARE about_id text := coalesce(NEW.subject_id, NEW.order_id);
BEGIN
  INSERT INTO notices (notice_key, kind, subject_type, subject_id, order_id, recipient, data, due_at, queued_at,
    next_attempt_at)
  VALUES ('exception:' || NEW.exception_id, 'exception_opened', 'exception', NEW.exception_id::text, NEW.order_id,
    '{"to": "shop"}',
    jsonb_strip_nulls(jsonb_build_object('exception', NEW.kind, 'owner', NEW.owner,
      'about', about_type || ' ' || about_id, 'message', NEW.message,
      'amountAtRisk', CASE WHEN NEW.amount_at_risk > 0
        THEN jsonb_build_object('amount', NEW.amount_at_risk, 'currency', NEW.currency) END)),
    -- raised_at may be by the clock of a workflow; a relay counts by its computer's
    NEW.raised_at, now(), now());
  RETURN NULL;
END $$;

CREATE FUNCTION withdraw_exception_notice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE notices SET overtaken_at = now(),
    status = CASE
      WHEN status <> 'queued' THEN status
      WHEN channels_done <> '{}' THEN 'sent'
      WHEN channels_in_doubt <> '{}' THEN 'in_doubt'
      ELSE 'canceled' END,
    sent_at = CASE WHEN status = 'queued' AND channels_done <> '{}' THEN now() ELSE sent_at END,
    finished_at = CASE WHEN status = 'queued' THEN now() ELSE finished_at END
  WHERE subject_type = 'exception' AND subject_id = NEW.exception_id::text
    AND status IN ('queued', 'sending', 'in_doubt', 'failed') AND overtaken_at IS NULL;
  RETURN NULL;
END $$;

ALTER TABLE notices DROP CONSTRAINT notices_subject_type_check,
  ADD CHECK (subject_type IN ('order', 'refund', 'dispute', 'subscription', 'settlement', 'exception'));

CREATE TRIGGER exceptions_notify_owner AFTER INSERT ON exceptions FOR EACH ROW
  WHEN (NEW.resolved_at IS NULL AND NEW.kind NOT IN ('refund_failed', 'refund_action_needed', 'refund_overdue',
    'refund_unknown', 'dispute_evidence_due', 'fraud_warning', 'settlement_difference'))
  EXECUTE FUNCTION notify_exception_owner();
CREATE TRIGGER exceptions_withdraw_notice AFTER UPDATE OF resolved_at ON exceptions FOR EACH ROW
  WHEN (OLD.resolved_at IS NULL AND NEW.resolved_at IS NOT NULL) EXECUTE FUNCTION withdraw_exception_notice();
