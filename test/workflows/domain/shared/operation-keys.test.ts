import { captureKey, operationKeys, shipmentId } from '../../../../workflows/domain/shared/operation-keys';
import { check, fc } from '../../../support/property';

describe('an operation key', () => {
  // Open operations in Postgres and idempotency keys at the provider have these names: another spelling would do things twice.
  it.each([
    [operationKeys.customer('cus_1'), 'customer:cus_1'],
    [operationKeys.authorize('ord_1', 2), 'authorize:ord_1:2'],
    [operationKeys.reserve('ord_1'), 'reserve:ord_1'],
    [operationKeys.place('ord_1'), 'place:ord_1'],
    [operationKeys.allocate('ord_1'), 'allocate:ord_1'],
    [operationKeys.capture('ord_1', 'pi_1', 'dhl/1'), 'capture:ord_1:pi_1:dhl/1'],
    [operationKeys.ship('ord_1', 'dhl/1'), 'ship:ord_1:dhl/1'],
    [operationKeys.void('pi_1'), 'void:pi_1'],
    [operationKeys.cancel('ord_1'), 'cancel:ord_1'],
    [operationKeys.refund('rf_1', 2), 'refund:rf_1:2'],
    [operationKeys.disputeMoney('du_1', 'txn_1'), 'dispute:du_1:txn_1'],
    [operationKeys.disputeEvidence('du_1', 'collect'), 'dispute-evidence:du_1:collect'],
    [operationKeys.paySubscription('sub_1', 'req_1'), 'pay:sub_1:req_1'],
    [operationKeys.deliver('ord_1', 'dhl/1'), 'deliver:ord_1:dhl/1'],
  ])('is %s', (key, written) => {
    expect(key).toBe(written);
  });
});

describe('the key of a capture', () => {
  const capture = { orderId: 'ord_1', paymentIntentId: 'pi_1' };
  it.each([
    ['of a parcel', { shipment: { shipmentId: 'dhl/1' } }, 'capture:ord_1:pi_1:dhl/1'],
    ['of a whole order', {}, 'capture:ord_1:pi_1:order'],
    ['of a parcel, anew', { shipment: { shipmentId: 'dhl/1' }, after: 500 }, 'capture:ord_1:pi_1:dhl/1:after-500'],
    ['after nothing was captured', { after: 0 }, 'capture:ord_1:pi_1:order:after-0'],
  ])('%s', (_name, changes, key) => {
    expect(captureKey({ ...capture, ...changes })).toBe(key);
  });
});

describe('a shipment’s id', () => {
  it('is the same however the carrier is capitalized', () => {
    expect(shipmentId('DHL', 'AbC')).toBe('dhl/AbC');
  });

  it('is that of no other carrier and tracking number', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '%', '2', 'f'), maxLength: 6 });
    await check(
      'shipment ids are unique',
      fc.property(text, text, text, text, (carrier, number, other, otherNumber) => {
        const same = carrier === other && number === otherNumber;
        expect(shipmentId(carrier, number) === shipmentId(other, otherNumber)).toBe(same);
      }),
      { numRuns: 1_000 },
    );
    expect(shipmentId('a/b', 'c')).not.toBe(shipmentId('a', 'b/c'));
  });
});
