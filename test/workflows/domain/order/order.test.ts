import type { ExceptionKind, OrderException } from '../../../../workflows/domain/exception/exception';
import { isHeldUp, isRaised, remainingLines } from '../../../../workflows/domain/order/order';
import { orderFacts } from '../../../support/facts/facts';

const exception = (kind: ExceptionKind): OrderException => ({
  ...{ kind, message: 'm', owner: 'payments', raisedAt: '2026-01-07T12:00:00.000Z' },
});
const shown = (kind: ExceptionKind) => ({ exception: exception(kind) });

describe('an exception of an order', () => {
  it('is open where it is the one that is shown', () => {
    expect(isRaised(shown('hold_decision'), 'hold_decision')).toBe(true);
    expect(isRaised(shown('hold_decision'), 'hold_stopped', 'hold_decision')).toBe(true);
    expect(isRaised(shown('hold_decision'), 'hold_stopped')).toBe(false);
    expect(isRaised(orderFacts(), 'hold_decision')).toBe(false);
  });

  it('is open also where another one is shown', () => {
    const both = { ...shown('refund_failed'), exceptionKinds: ['refund_failed', 'hold_stopped'] as const };
    expect(isRaised(both, 'hold_stopped')).toBe(true);
    expect(isRaised({ ...both, exceptionKinds: [] }, 'refund_failed')).toBe(false);
  });
});

describe('an order is held up', () => {
  it.each<[ExceptionKind[], boolean]>([
    [[], false],
    [['shipment_overdue'], true],
    [['hold_stopped'], true],
    [['refund_failed'], false],
    [['dispute_lost', 'fraud_warning'], false],
    [['refund_failed', 'capture_unknown'], true],
  ])('by open exceptions %j: %s', (exceptionKinds, isHeld) => {
    expect(isHeldUp({ exceptionKinds })).toBe(isHeld);
  });
});

it('has left to ship what was neither shipped nor cancelled', () => {
  const line = { sku: 'MUG', quantity: 5, unitAmount: 1, shipped: 2, cancelled: 1 };
  const done = { sku: 'TEE', quantity: 3, unitAmount: 1, shipped: 1, cancelled: 2 };
  expect(remainingLines({ lines: [line, done] })).toEqual([{ sku: 'MUG', quantity: 2 }]);
});
