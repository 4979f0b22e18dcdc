import { Excuses } from '../../workflows/domain/exception/excuses';
import { orderOf } from './bank';
import type { BankState, SimulatedPayment } from './bank';
import { afterSaleViolations } from './after-sale-promises';
import type { Recorded, RecordedOrder } from './recorded';

/*
 * Compares the payments at the bank (the simulator's own state) with plain rows of Postgres, once nothing is in progress. Uses no
 * code of the order operations.
 */

/** The promises, as the demo prints them. */
export const PROMISES = {
  captured: 'captured ≤ authorized',
  hold: 'no hold without an order',
  order: 'no order without hold or payment',
  stock: "reservations = open orders' remaining lines",
  ledger: 'ledger = simulator',
  back: 'captured − refunded never below zero, and the same at the bank',
  dispute: 'no refund while a dispute is open; what the bank took is in the ledger',
  owner: 'nothing unfinished without an owner',
} as const;

export interface Violation {
  readonly promise: keyof typeof PROMISES;
  readonly what: string;
}

const DONE = ['delivered', 'cancelled'];
const SHIPPED = ['shipped', 'delivered'];
/** Statuses of attempts that continue by themselves or wait for a customer. */
const UNFINISHED_ATTEMPTS = ['begun', 'requires_action', 'processing'];

/** Every broken promise. Pure; amounts in minor units. */
export function findViolations(bank: BankState, recorded: Recorded, nowMs: number): Violation[] {
  const { payments } = bank;
  const orders = new Map(recorded.orders.map((order) => [order.orderId, order]));
  const facts = { payments, recorded, orders, excuses: new Excuses(recorded.exceptions), nowMs };
  return [
    ...captured(facts),
    ...holdsWithoutOrder(facts),
    ...ordersWithoutMoney(facts),
    ...stock(facts),
    ...ledger(facts),
    ...afterSaleViolations(bank, recorded),
    ...unfinished(facts),
  ];
}

interface Facts {
  readonly payments: readonly SimulatedPayment[];
  readonly recorded: Recorded;
  readonly orders: ReadonlyMap<string, RecordedOrder>;
  /** A difference that an open exception explains is a person's task, not a violation. */
  readonly excuses: Excuses;
  readonly nowMs: number;
}

function captured({ payments, recorded }: Facts): Violation[] {
  const atBank = payments.filter((one) => one.amount_received > one.amount);
  const inBooks = recorded.attempts.filter((one) => one.captured + one.released > one.authorized);
  return [
    ...atBank.map((one) => broken('captured', `${one.id}: ${one.amount_received} captured of ${one.amount}`)),
    ...inBooks.map((one) =>
      broken(
        'captured',
        `${one.orderId}, attempt ${one.attempt}: ${one.captured} captured and ${one.released} released of ${one.authorized}`,
      ),
    ),
  ];
}

function holdsWithoutOrder({ payments, orders, excuses }: Facts): Violation[] {
  const found: Violation[] = [];
  const holds = new Map<string, number>();
  for (const payment of payments.filter((one) => heldBy(one) > 0)) {
    const orderId = orderOf(payment);
    holds.set(orderId, (holds.get(orderId) ?? 0) + 1);
    const order = orders.get(orderId);
    const needed = order !== undefined && !DONE.includes(order.state) && order.state !== 'shipped';
    if (!needed && !excuses.has(orderId, 'hold_without_order'))
      found.push(
        broken('hold', `${payment.id} holds ${heldBy(payment)} for ${orderId}, ${order?.state ?? 'no order'}`),
      );
    if (payment.amount_received > 0 && order === undefined)
      found.push(
        broken('hold', `${payment.id} captured ${payment.amount_received} for ${orderId}, which is not an order`),
      );
  }
  for (const [orderId, count] of holds) {
    if (count > 1 && !excuses.has(orderId, 'holds_at_once'))
      found.push(broken('hold', `${orderId} has ${count} holds at once`));
  }
  return found;
}

function ordersWithoutMoney({ payments, recorded, excuses }: Facts): Violation[] {
  const found: Violation[] = [];
  for (const order of recorded.orders.filter((one) => !excuses.has(one.orderId, 'order_without_money'))) {
    const own = payments.filter((payment) => orderOf(payment) === order.orderId);
    const held = own.reduce((sum, payment) => sum + heldBy(payment), 0);
    const received = own.reduce((sum, payment) => sum + payment.amount_received, 0);
    const what = `${order.orderId} is ${order.state} and ${order.paymentState}, with ${held} held and ${received} captured`;
    if (SHIPPED.includes(order.state) && received === 0) found.push(broken('order', what));
    if (DONE.includes(order.state) || order.state === 'shipped' || order.paymentState === 'payment_needed') continue;
    if (held === 0 && order.paymentState !== 'captured') found.push(broken('order', what));
    if (held + received > order.total && !excuses.has(order.orderId, 'holds_at_once'))
      found.push(broken('order', `${what}, of ${order.total}`));
  }
  return found;
}

function stock({ recorded, excuses }: Facts): Violation[] {
  const pieces = new Map<string, { toShip: number; promised: number }>();
  const at = (orderId: string, sku: string) => {
    const key = `${orderId}: ${sku}`;
    const entry = pieces.get(key) ?? { toShip: 0, promised: 0 };
    pieces.set(key, entry);
    return entry;
  };
  for (const line of recorded.lines) at(line.orderId, line.sku).toShip += line.pieces;
  for (const promise of recorded.reservations) at(promise.orderId, promise.sku).promised += promise.pieces;
  return [...pieces]
    .filter(
      ([key, { toShip, promised }]) =>
        toShip !== promised && !excuses.has(key.split(':')[0] ?? '', 'reservations_differ'),
    )
    .map(([key, { toShip, promised }]) => broken('stock', `${key}: ${promised} reserved, ${toShip} to ship`));
}

function ledger({ payments, recorded, excuses }: Facts): Violation[] {
  const found: Violation[] = [];
  const known = new Map(payments.map((payment) => [payment.id, payment]));
  const books = new Map(recorded.ledger.map((entry) => [entry.paymentIntentId, entry]));
  for (const id of new Set([...known.keys(), ...books.keys()])) {
    const payment = known.get(id);
    const { authorized = 0, captured = 0, released = 0 } = books.get(id) ?? {};
    const received = payment?.amount_received ?? 0;
    const held = payment === undefined ? 0 : heldBy(payment);
    const open = authorized - captured - released;
    if (received !== captured)
      found.push(broken('ledger', `${id}: ${received} captured at the bank, ${captured} in the ledger`));
    if (held !== open && !(payment !== undefined && excuses.has(orderOf(payment), 'hold_differs')))
      found.push(broken('ledger', `${id}: ${held} held, ${open} in the ledger`));
  }
  return found;
}

function unfinished({ recorded, orders, excuses, nowMs }: Facts): Violation[] {
  const late = recorded.orders.filter(
    (one) =>
      !DONE.includes(one.state) &&
      !excuses.has(one.orderId, 'unfinished_without_owner') &&
      (one.waitingOn === undefined || one.waitingUntilMs === undefined || one.waitingUntilMs < nowMs),
  );
  const loose = recorded.attempts.filter(
    (one) => UNFINISHED_ATTEMPTS.includes(one.status) && !one.tombstoned && !orders.has(one.orderId),
  );
  return [
    ...late.map((one) =>
      broken('owner', `${one.orderId} is ${one.state} and waits for ${one.waitingOn ?? 'no party'}`),
    ),
    ...loose.map((one) => broken('owner', `payment attempt ${one.attempt} of ${one.orderId} is ${one.status}`)),
    ...recorded.unpublished.map((orderId) => broken('owner', `an event of ${orderId} was not published`)),
  ];
}

function heldBy(payment: SimulatedPayment): number {
  return payment.status === 'requires_capture' ? payment.amount_capturable : 0;
}

function broken(promise: keyof typeof PROMISES, what: string): Violation {
  return { promise, what };
}
