-- Most events of a provider are of kinds that nothing acts on: they are kept as `ignored` at once and wake nobody.
DROP TRIGGER inbox_wakes_relay ON inbox;
CREATE TRIGGER inbox_wakes_relay AFTER INSERT ON inbox
  FOR EACH ROW WHEN (NEW.status = 'pending') EXECUTE FUNCTION wake_relay();
