import type { OrderException } from '../../../../workflows/domain/exception/exception';
import type { OrderFacts, Shipment } from '../../../../workflows/domain/order/order';
import { waitingFor, type Party } from '../../../../workflows/domain/shared/waiting';
import { disputeFacts } from '../../../support/facts/dispute';
import { orderFacts, withoutHold } from '../../../support/facts/facts';

// Placed on 1 January with a hold until the 8th; two weeks to ship, thirty days to arrive.
const HANDLED_BY = '2026-01-15T00:00:00.000Z';
const HOLD_ENDS = '2026-01-08T00:00:00.000Z';
const DEADLINE = '2026-01-10T00:00:00.000Z';
const exception: OrderException = {
  kind: 'capture_refused',
  message: 'the bank says no',
  owner: 'payments',
  raisedAt: '2026-01-03T00:00:00.000Z',
};
const asked = { paymentState: 'payment_needed', paymentDeadline: DEADLINE } as const;
const paid = { paymentState: 'captured', state: 'paid' } as const;
const parcel = (day: string): Shipment => ({
  ...{ shipmentId: day, lines: [], carrier: 'dhl', trackingNumber: day, amount: 0 },
  shippedAt: `2026-01-${day}T00:00:00.000Z`,
});
const shipped = { paymentState: 'captured', state: 'shipped', shipments: ['02', '05', '03'].map(parcel) } as const;
const { dueBy: _none, ...unanswerable } = disputeFacts();
const given = { amounts: { authorized: 6990, captured: 6990, released: 0, refundPending: 0, refunded: 6990 } };

it.each<[string, OrderFacts, [Party, string] | undefined]>([
  ['nobody, once it has arrived', withoutHold({ state: 'delivered', paymentState: 'captured' }), undefined],
  ['nobody, once it is cancelled', withoutHold({ state: 'cancelled', paymentState: 'voided' }), undefined],
  ['nobody, once it is cancelled with an exception', withoutHold({ state: 'cancelled', exception }), undefined],
  ['its customer, who is to pay', withoutHold(asked), ['customer', DEADLINE]],
  ['its customer, also where an exception is open', withoutHold({ ...asked, exception }), ['customer', DEADLINE]],
  [
    'the provider, where nobody asked the customer to pay',
    withoutHold({ paymentState: 'payment_needed' }),
    ['provider', HANDLED_BY],
  ],
  ['a person, until its hold ends', orderFacts({ exception }), ['approver', HOLD_ENDS]],
  ['a person, without a hold', withoutHold({ exception }), ['approver', '2026-01-17T00:00:00.000Z']],
  [
    'a person, also where it has shipped',
    withoutHold({ ...shipped, exception }),
    ['approver', '2026-01-17T00:00:00.000Z'],
  ],
  ['the carrier, from the last parcel on', withoutHold(shipped), ['carrier', '2026-02-04T00:00:00.000Z']],
  [
    'the carrier, also during a dispute',
    withoutHold({ ...shipped, disputes: [disputeFacts()] }),
    ['carrier', '2026-02-04T00:00:00.000Z'],
  ],
  [
    'a person, to answer its dispute',
    orderFacts({ disputes: [disputeFacts()] }),
    ['approver', '2026-01-12T00:00:00.000Z'],
  ],
  [
    'a person, for a dispute without a deadline',
    orderFacts({ disputes: [unanswerable] }),
    ['approver', '2026-04-05T00:00:00.000Z'],
  ],
  [
    'the bank, which decides on its dispute',
    orderFacts({ disputes: [disputeFacts({ stage: 'under_review' })] }),
    ['provider', '2026-04-05T00:00:00.000Z'],
  ],
  ['a person, to cancel what was paid back', withoutHold({ ...paid, ...given }), ['approver', HANDLED_BY]],
  [
    'the warehouse, until a hold ends that could not be renewed',
    orderFacts({ paymentDeadline: DEADLINE }),
    ['warehouse', HOLD_ENDS],
  ],
  ['the warehouse, until its hold is renewed', orderFacts(), ['warehouse', '2026-01-07T12:00:00.000Z']],
  ['the provider, which holds its card', withoutHold({ paymentState: 'expired' }), ['provider', HANDLED_BY]],
  [
    'the provider, until the deadline of its next hold',
    withoutHold({ paymentState: 'expired', paymentDeadline: DEADLINE }),
    ['provider', DEADLINE],
  ],
  ['the warehouse, once it is paid', withoutHold(paid), ['warehouse', HANDLED_BY]],
])('an order waits for %s', (_name, facts, waiting) => {
  const found = waitingFor(facts);
  expect(found && [found.on, found.until]).toEqual(waiting);
});

it('an order says why it waits: by its exception, or by its dispute', () => {
  expect(waitingFor(orderFacts({ exception }))?.why).toBe('the bank says no');
  expect(waitingFor(orderFacts({ disputes: [disputeFacts()] }))?.why).toContain('du_1');
});
