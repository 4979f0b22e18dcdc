import { refuseDelivery, sameLines, sameShipment } from '../../../../workflows/domain/order/shipping-rules';
import type { Shipment } from '../../../../workflows/domain/order/order';
import { withoutHold } from '../../../support/facts/facts';

const parcel = (shipmentId: string, shippedAt: string, deliveredAt?: string): Shipment => ({
  ...{ shipmentId, lines: [], carrier: 'dhl', trackingNumber: shipmentId, amount: 0, shippedAt },
  ...(deliveredAt !== undefined && { deliveredAt }),
});

describe('a delivery', () => {
  const facts = withoutHold({
    shipments: [
      parcel('early', '2026-03-01T12:00:00.000Z', '2026-03-02T12:00:00.000Z'),
      parcel('late', '2026-03-03T12:00:00.000Z'),
    ],
  });

  it.each([
    ['at the time its parcel left', { shipmentId: 'late', deliveredAt: '2026-03-03T12:00:00.000Z' }, undefined],
    ['before that by what clocks differ', { shipmentId: 'late', deliveredAt: '2026-03-03T11:55:00.000Z' }, undefined],
    [
      'before that by more',
      { shipmentId: 'late', deliveredAt: '2026-03-03T11:54:59.999Z' },
      { reason: 'delivered_before_shipped', problems: [{ field: 'deliveredAt' }] },
    ],
    [
      'of all under way, one of which left later',
      { deliveredAt: '2026-03-02T12:00:00.000Z' },
      { reason: 'delivered_before_shipped', problems: [{ field: 'deliveredAt' }] },
    ],
    ['of all under way, after they left', { deliveredAt: '2026-03-04T00:00:00.000Z' }, undefined],
    ['again of one that has arrived', { shipmentId: 'early', deliveredAt: '2026-03-02T12:00:00.000Z' }, undefined],
    [
      'of a parcel that is none of the order',
      { shipmentId: 'other', deliveredAt: '2026-03-04T00:00:00.000Z' },
      { reason: 'unknown_shipment', problems: [{ field: 'shipmentId' }] },
    ],
  ])('%s', (_name, command, cause) => {
    const refused = refuseDelivery(facts, command);
    if (cause === undefined) expect(refused).toBeUndefined();
    else expect(refused).toMatchObject(cause);
  });
});

describe('a shipment that is sent again', () => {
  const line = { sku: 'MUG', quantity: 1 };
  const shipped = {
    ...parcel('dhl/1', '2026-03-01T12:00:00.000Z'),
    trackingNumber: '1',
    lines: [line],
    warehouseId: 'berlin',
  };
  const facts = withoutHold({ shipments: [shipped] });
  const command = { carrier: 'dhl', trackingNumber: '1', lines: [line] };

  it.each([
    ['as before', {}, true],
    ['with its warehouse', { warehouseId: 'berlin' }, true],
    ['with another warehouse', { warehouseId: 'leipzig' }, false],
    ['with other lines', { lines: [{ sku: 'MUG', quantity: 2 }] }, false],
  ])('%s', (_name, changes, same) => {
    expect(sameShipment(facts, { ...command, ...changes }) !== undefined).toBe(same);
  });

  it('is told from one whose SKU reads like two lines', () => {
    const [one, other] = [
      { sku: 'P', quantity: 1 },
      { sku: 'Q', quantity: 2 },
    ];
    expect(sameLines([one, other], [{ sku: 'P=1,Q', quantity: 2 }])).toBe(false);
    expect(sameLines([one, other], [other, one])).toBe(true);
  });
});
