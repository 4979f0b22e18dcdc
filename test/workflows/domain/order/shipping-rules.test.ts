import {
  refuseCancel,
  refuseDelivery,
  refuseRenewal,
  refuseShipment,
  sameShipment,
  stopShipping,
} from '../../../../workflows/domain/order/shipping-rules';
import { sameLines } from '../../../../workflows/domain/order/lines';
import type { ShipCommand } from '../../../../workflows/domain/order/commands';
import type { ExceptionKind } from '../../../../workflows/domain/exception/exception';
import type { OrderFacts, Shipment } from '../../../../workflows/domain/order/order';
import { disputeFacts } from '../../../support/facts/dispute';
import { orderFacts, shippedOrder, withoutHold } from '../../../support/facts/facts';

const parcel = (shipmentId: string, shippedAt: string, deliveredAt?: string): Shipment => ({
  ...{ shipmentId, lines: [], carrier: 'dhl', trackingNumber: shipmentId, amount: 0, shippedAt },
  ...(deliveredAt !== undefined && { deliveredAt }),
});

const raised = (kind: ExceptionKind): Pick<OrderFacts, 'exception'> => ({
  exception: { kind, message: `why ${kind}`, owner: 'payments', raisedAt: '2026-01-07T12:00:00.000Z' },
});
const taken = (captured: number, refunded = 0): Pick<OrderFacts, 'amounts'> => ({
  amounts: { authorized: 6990, captured, released: 0, refundPending: 0, refunded },
});
const disputed = { disputes: [disputeFacts()] };
const allGone = taken(1000, 1000);
/** Two mugs of three lines have shipped; 30.00 for them, and the shipping and their tax, were taken. */
const partly = {
  lines: [
    { sku: 'MUG', quantity: 2, unitAmount: 1500, shipped: 2, cancelled: 0 },
    { sku: 'TEE', quantity: 2, unitAmount: 2500, shipped: 0, cancelled: 1 },
    { sku: 'FREE', quantity: 1, unitAmount: 0, shipped: 0, cancelled: 0 },
  ],
  taxAmount: 0,
};

describe('a shipment', () => {
  const asked = (sku: string, quantity: number, trackingNumber = '1'): ShipCommand => ({
    ...{ lines: [{ sku, quantity }], carrier: 'dhl', trackingNumber },
  });
  const known = { shipments: [{ ...parcel('dhl/1', '2026-03-01T12:00:00.000Z'), amount: 0 }] };
  const needed = { paymentState: 'payment_needed' } as const;
  const covered = taken(3490);

  it.each<[string, OrderFacts, ShipCommand, string | undefined]>([
    ['of a line', orderFacts(), asked('MUG', 1), undefined],
    ['of all of a line', orderFacts(), asked('MUG', 2), undefined],
    ['of more than a line has', orderFacts(), asked('MUG', 3), 'exceeds_remaining'],
    ['of what has shipped', orderFacts(partly), asked('MUG', 1), 'exceeds_remaining'],
    ['of what was cancelled', orderFacts(partly), asked('TEE', 2), 'exceeds_remaining'],
    ['of what is left', orderFacts(partly), asked('TEE', 1), undefined],
    ['of another line', orderFacts(), asked('HAT', 1), 'unknown_line'],
    ['of a cancelled order', withoutHold({ state: 'cancelled' }), asked('MUG', 1), 'order_cancelled'],
    ['under a tracking number that was used', orderFacts(known), asked('MUG', 1), 'tracking_number_used'],
    ['under another one', orderFacts(known), asked('MUG', 1, '2'), undefined],
    ['while the bank decides', orderFacts(disputed), asked('MUG', 1), 'disputed'],
    ['of an order whose money has gone back', orderFacts(allGone), asked('MUG', 1), 'refunded'],
    [
      'after somebody has cancelled its hold',
      orderFacts(raised('hold_cancelled')),
      asked('MUG', 1),
      'payment_cancelled',
    ],
    ['while the customer is to pay', orderFacts(needed), asked('MUG', 1), 'payment_needed'],
    ['of a free line, meanwhile', orderFacts({ ...partly, ...needed, ...covered }), asked('FREE', 1), undefined],
    ['of what is paid for, meanwhile', orderFacts({ ...needed, ...taken(6990) }), asked('MUG', 1), undefined],
    ['while no card is held', withoutHold(raised('hold_stopped')), asked('MUG', 1), 'needs_person'],
    [
      'of what is paid for, meanwhile',
      withoutHold({ ...raised('hold_stopped'), ...taken(6990) }),
      asked('MUG', 1),
      undefined,
    ],
    ['with a card held again', orderFacts(raised('hold_stopped')), asked('MUG', 1), undefined],
    ['with another exception', withoutHold(raised('shipment_overdue')), asked('MUG', 1), undefined],
  ])('%s', (_name, facts, command, reason) => {
    expect(refuseShipment(facts, command)?.reason).toBe(reason);
  });

  it('is refused for the first of its lines that is wrong', () => {
    const lines = [...asked('MUG', 2).lines, ...asked('TEE', 2).lines];
    expect(refuseShipment(orderFacts(), { ...asked('MUG', 1), lines })).toMatchObject({
      reason: 'exceeds_remaining',
      message: 'Only 1 of TEE are left to ship, not 2.',
    });
  });

  it('says how many are left of a line without any', () => {
    expect(refuseShipment(orderFacts(partly), asked('MUG', 1))?.message).toBe('Only 0 of MUG are left to ship, not 1.');
  });

  it('gives the reason of the exception that is shown, or its kind', () => {
    const stopped = withoutHold(raised('hold_stopped'));
    expect(refuseShipment(stopped, asked('MUG', 1))?.message).toBe('why hold_stopped');
    const hidden = withoutHold({ ...raised('refund_failed'), exceptionKinds: ['refund_failed', 'hold_stopped'] });
    expect(refuseShipment(hidden, asked('MUG', 1))?.message).toContain('its exception hold_stopped');
  });
});

describe('what stops all shipping, whatever the lines', () => {
  it.each<[string, OrderFacts, string | undefined]>([
    ['nothing, of an order as it should be', orderFacts(), undefined],
    ['a dispute', orderFacts(disputed), 'disputed'],
    ['no dispute that is lost', orderFacts({ disputes: [disputeFacts({ stage: 'lost' })] }), undefined],
    ['that all was given back', orderFacts(allGone), 'refunded'],
    ['not that a part was given back', orderFacts(taken(1000, 999)), undefined],
  ])('%s', (_name, facts, reason) => {
    expect(stopShipping(facts)?.reason).toBe(reason);
  });
});

describe('another payment method', () => {
  it.each<[string, OrderFacts, string | undefined]>([
    ['helps an order without a hold', withoutHold(), undefined],
    ['helps while the bank decides: it is held for later', withoutHold(disputed), undefined],
    ['does not help once all was given back', withoutHold(allGone), 'refunded'],
    [
      'does not help where a person decides whether a card is held',
      withoutHold(raised('hold_stopped')),
      'needs_person',
    ],
  ])('%s', (_name, facts, reason) => {
    expect(refuseRenewal(facts)?.reason).toBe(reason);
  });
});

describe('a cancel', () => {
  const tee = { ...partly, ...taken(3490), shipments: [{ ...parcel('1', '2026-03-01T12:00:00.000Z'), amount: 3490 }] };
  it.each<[string, OrderFacts, string | undefined]>([
    ['of an order that has not shipped', orderFacts(), undefined],
    ['of what is left of one', orderFacts(tee), undefined],
    ['of one that has shipped', shippedOrder(), 'already_shipped'],
    ['of one that has shipped, by its state', orderFacts({ state: 'shipped' }), 'already_shipped'],
    ['of one that has arrived', orderFacts({ state: 'delivered' }), 'already_shipped'],
    ['of one without a line that is left', orderFacts({ lines: shippedOrder().lines }), 'already_shipped'],
    ['of one that was paid for', withoutHold({ paymentState: 'captured', state: 'paid' }), 'captured_needs_refund'],
    [
      'of one that was paid for, where only free lines are left',
      withoutHold({ ...tee, lines: [...partly.lines.slice(0, 1), ...partly.lines.slice(2)], paymentState: 'captured' }),
      undefined,
    ],
    ['of one of which a part was taken ahead', orderFacts(taken(1)), 'captured_needs_refund'],
    [
      'of one whose money has gone back',
      withoutHold({ ...allGone, paymentState: 'captured', state: 'paid' }),
      undefined,
    ],
  ])('%s', (_name, facts, reason) => {
    expect(refuseCancel(facts)?.reason).toBe(reason);
  });
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
    [
      'of one that has arrived, before it left',
      { shipmentId: 'early', deliveredAt: '2026-03-01T11:00:00.000Z' },
      { reason: 'delivered_before_shipped' },
    ],
  ])('%s', (_name, command, cause) => {
    const refused = refuseDelivery(facts, command);
    if (cause === undefined) expect(refused).toBeUndefined();
    else expect(refused).toMatchObject(cause);
  });

  it('of an order of which nothing has shipped', () => {
    expect(refuseDelivery(orderFacts(), { deliveredAt: '2026-03-04T00:00:00.000Z' })?.reason).toBe('nothing_shipped');
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

  it('with lines in another order', () => {
    const lines = [line, { sku: 'TEE', quantity: 1 }];
    const sent = withoutHold({ shipments: [{ ...shipped, lines }] });
    expect(sameShipment(sent, { ...command, lines: [...lines].reverse() })).toBeDefined();
  });

  it('under another tracking number is another shipment', () => {
    expect(sameShipment(facts, { ...command, trackingNumber: '2' })).toBeUndefined();
  });

  it('is distinguished from one whose SKU reads like two lines', () => {
    const [one, other] = [
      { sku: 'P', quantity: 1 },
      { sku: 'Q', quantity: 2 },
    ];
    expect(sameLines([one, other], [{ sku: 'P=1,Q', quantity: 2 }])).toBe(false);
    expect(sameLines([one, other], [other, one])).toBe(true);
  });
});
