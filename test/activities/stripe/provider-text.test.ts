import { providerEmail, wellFormed } from '../../../activities/stripe/provider-text';
import { idempotencyKey } from '../../../activities/stripe/keyed';
import { operationKeys, shipmentId } from '../../../workflows/domain/shared/operation-keys';

describe('what leaves for the provider', () => {
  it('has a key that a header carries, whatever ids of others are in it', () => {
    const keyOf = (carrier: string, tracking: string): string =>
      idempotencyKey(operationKeys.capture('ord_1', 'pi_1', shipmentId(carrier, tracking)), 1);
    expect(keyOf('dhl', 'JD01')).toBe('capture:ord_1:pi_1:dhl/JD01');
    for (const key of [
      keyOf('Österreichische Post', '№ 1'),
      keyOf('x'.repeat(255), 'y'.repeat(255)),
      keyOf('a b', 'c'),
    ]) {
      expect(key).toMatch(/^[\x21-\x7e]{1,255}$/);
    }
    expect(keyOf('Österreichische Post', '№ 1')).not.toBe(keyOf('Österreichische Post', '№ 2'));
  });

  it('distinguishes parcels whose carrier and number could be confused', () => {
    expect(shipmentId('a/b', 'c')).not.toBe(shipmentId('a', 'b/c'));
    expect(shipmentId('a%2Fb', 'c')).not.toBe(shipmentId('a/b', 'c'));
  });

  it.each([
    ['buyer@example.com', 'buyer@example.com'],
    ['buyer@bücher.example', 'buyer@xn--bcher-kva.example'],
    ['müller@example.com', undefined],
    [undefined, undefined],
  ])('the address %s is sent as %s', (email, sent) => {
    expect(providerEmail(email)).toBe(sent);
  });

  it('has no half characters and no NUL', () => {
    expect(wellFormed('a\ud83d\u0000b 👍')).toBe('a\ufffdb 👍');
    expect(() => encodeURIComponent(wellFormed('👍'.slice(0, 1)))).not.toThrow();
  });
});
