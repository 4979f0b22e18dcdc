-- A payment that the provider does not take has ended: it is neither under way nor declined by a bank.
ALTER TABLE payment_attempts
  DROP CONSTRAINT payment_attempts_status_check,
  ADD CONSTRAINT payment_attempts_status_check CHECK (status IN ('begun', 'requires_action', 'processing', 'declined', 'refused',
    'authorized', 'captured', 'canceled', 'expired', 'voided', 'sealed'));
