/**
 * States of an order and of its money, as unions with a transition table. A test walks the tables: every state is
 * reachable and has a way to a terminal one. `returned` comes with returns.
 */
export type OrderState = 'placed' | 'paid' | 'allocated' | 'fulfilled' | 'shipped' | 'delivered' | 'cancelled';

/**
 * What each state means:
 * - `placed`: the card is held, the stock is reserved, the order is recorded.
 * - `allocated`: a warehouse is chosen for every line.
 * - `paid`: everything that will be charged has been captured.
 * - `fulfilled`: every line that was not cancelled is in a shipment.
 * - `shipped`: those shipments are with the carrier. `delivered`: all of them have arrived.
 *
 * An order whose money is captured as it ships is `allocated` until its last shipment, which takes it through `paid`
 * and `fulfilled` to `shipped` at once; one captured when it is placed is `paid` before it ships.
 */
export const ORDER_TRANSITIONS: Readonly<Record<OrderState, readonly OrderState[]>> = {
  placed: ['allocated', 'paid', 'cancelled'],
  allocated: ['paid', 'cancelled'],
  // Cancelled: its money was refunded before it shipped.
  paid: ['allocated', 'fulfilled', 'cancelled'],
  fulfilled: ['shipped'],
  shipped: ['delivered'],
  delivered: [],
  cancelled: [],
};

/** State of the money of an order. */
export type PaymentState =
  | 'authorized' // a hold covers what is not captured yet
  | 'partially_captured' // some shipments are paid, a hold covers the rest
  | 'captured' // nothing is left to capture
  | 'expired' // the hold is gone and another is being requested
  | 'payment_needed' // the customer must act before anything more ships
  | 'voided'; // the hold was voided, nothing was captured

/** The transitions of an order's payment state. */
export const PAYMENT_TRANSITIONS: Readonly<Record<PaymentState, readonly PaymentState[]>> = {
  authorized: ['partially_captured', 'captured', 'expired', 'payment_needed', 'voided'],
  partially_captured: ['captured', 'expired', 'payment_needed'],
  expired: ['authorized', 'partially_captured', 'payment_needed', 'voided', 'captured'],
  payment_needed: ['authorized', 'partially_captured', 'expired', 'voided', 'captured'],
  captured: [],
  voided: [],
};

/** May an order go from one state to the other in one step? */
export function canTransition(from: OrderState, to: OrderState): boolean {
  return ORDER_TRANSITIONS[from].includes(to);
}

/** May the payment state of an order change from one to the other? Staying is always allowed. */
export function canPaymentTransition(from: PaymentState, to: PaymentState): boolean {
  return from === to || PAYMENT_TRANSITIONS[from].includes(to);
}

/** Is this a final state of an order? */
export function isTerminal(state: OrderState): boolean {
  return ORDER_TRANSITIONS[state].length === 0;
}
