import {
  canPaymentTransition,
  canTransition,
  isTerminal,
  ORDER_TRANSITIONS,
  PAYMENT_TRANSITIONS,
} from '../../../../workflows/domain/order/state';
import type { OrderState, PaymentState } from '../../../../workflows/domain/order/state';

/** Every state that can be reached from one, itself included. */
function reachable<S extends string>(table: Readonly<Record<S, readonly S[]>>, from: S): Set<S> {
  const seen = new Set<S>([from]);
  const queue: S[] = [from];
  for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
    for (const next of table[state]) {
      if (!seen.has(next)) queue.push(next);
      seen.add(next);
    }
  }
  return seen;
}

const orderStates = Object.keys(ORDER_TRANSITIONS) as OrderState[];
const paymentStates = Object.keys(PAYMENT_TRANSITIONS) as PaymentState[];

describe('the transition tables', () => {
  it('reach every state of an order from placed', () => {
    expect([...reachable(ORDER_TRANSITIONS, 'placed')].sort()).toEqual([...orderStates].sort());
  });

  it('reach every state of a payment from authorized', () => {
    expect([...reachable(PAYMENT_TRANSITIONS, 'authorized')].sort()).toEqual([...paymentStates].sort());
  });

  it.each(orderStates)('lead from %s to a terminal state', (state) => {
    expect([...reachable(ORDER_TRANSITIONS, state)].some(isTerminal)).toBe(true);
  });

  it.each(paymentStates)('lead the payment from %s to captured or voided', (state) => {
    const ends = [...reachable(PAYMENT_TRANSITIONS, state)];
    expect(ends.includes('captured') || ends.includes('voided')).toBe(true);
  });

  it('have two terminal states, and none that leads back to itself', () => {
    expect(orderStates.filter(isTerminal).sort()).toEqual(['cancelled', 'delivered']);
    for (const state of orderStates) expect(canTransition(state, state)).toBe(false);
  });

  it('never let an order ship that is not paid, or cancel one that has left', () => {
    expect(orderStates.filter((from) => canTransition(from, 'fulfilled'))).toEqual(['paid']);
    expect(orderStates.filter((from) => canTransition(from, 'shipped'))).toEqual(['fulfilled']);
    for (const from of ['fulfilled', 'shipped', 'delivered'] as const) {
      expect(canTransition(from, 'cancelled')).toBe(false);
    }
  });

  it('let a payment stay as it is, and never undo a capture', () => {
    for (const state of paymentStates) expect(canPaymentTransition(state, state)).toBe(true);
    for (const state of paymentStates.filter((one) => one !== 'captured')) {
      expect(canPaymentTransition('captured', state)).toBe(false);
    }
    expect(canPaymentTransition('partially_captured', 'voided')).toBe(false);
  });
});
