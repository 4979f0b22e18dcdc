import { holdPlan, iso } from './deadlines';
import { isTerminal } from './order-state';
import type { OrderFacts } from './order';

/** Parties an order may wait for, as the search attribute `WaitingOn` shows them. */
export type Party = 'customer' | 'provider' | 'carrier' | 'warehouse' | 'approver' | 'supplier';

/** Whom an order waits for, until when, and why. */
export interface Waiting {
  readonly on: Party;
  /** UTC ISO string. */
  readonly until: string;
  readonly why: string;
}

/** Whom this order waits for; undefined for one that is done. Pure: Postgres, search attributes and details agree. */
export function waitingFor(facts: OrderFacts): Waiting | undefined {
  if (isTerminal(facts.state)) return undefined;
  if (facts.paymentState === 'payment_needed' && facts.paymentDeadline !== undefined) {
    return { on: 'customer', until: facts.paymentDeadline, why: 'the customer must renew the payment' };
  }
  if (facts.exception !== undefined) {
    const until = facts.hold?.captureBefore ?? iso(Date.parse(facts.exception.raisedAt) + facts.policy.handlingLimitMs);
    return { on: 'approver', until, why: facts.exception.message };
  }
  if (facts.state === 'shipped') {
    const last = facts.shipments.reduce(
      (latest, one) => (one.shippedAt > latest ? one.shippedAt : latest),
      facts.placedAt,
    );
    return {
      on: 'carrier',
      until: iso(Date.parse(last) + facts.policy.deliveryLimitMs),
      why: 'parcels are on their way',
    };
  }
  if (facts.hold !== undefined) {
    const plan = holdPlan(facts.hold, facts.policy);
    return { on: 'warehouse', until: plan.actAt, why: 'to be shipped before the card hold must be renewed' };
  }
  if (facts.paymentState !== 'captured') {
    return {
      on: 'provider',
      until: iso(Date.parse(facts.placedAt) + facts.policy.handlingLimitMs),
      why: 'a new card hold is being got',
    };
  }
  return {
    on: 'warehouse',
    until: iso(Date.parse(facts.placedAt) + facts.policy.handlingLimitMs),
    why: 'paid, to be shipped',
  };
}
