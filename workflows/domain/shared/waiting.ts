import { holdPlan, iso } from './deadlines';
import { openDispute } from '../dispute/dispute';
import { isTerminal } from '../order/state';
import type { OrderFacts } from '../order/order';
import { isGivenBack } from '../order/order';

/** Parties an order may wait for, as the search attribute `WaitingOn` shows them. */
export type Party = 'customer' | 'provider' | 'carrier' | 'warehouse' | 'approver' | 'supplier';

/** Whom an order waits for, until when, and why. */
export interface Waiting {
  readonly on: Party;
  /** UTC ISO string. */
  readonly until: string;
  readonly why: string;
}

/** Banks decide within some 75 days; a longer review needs attention. Source: Stripe, "How disputes work". */
const REVIEW_MS = 90 * 24 * 3_600_000;

/** Whom an order waits for while it may not ship; undefined if it may. */
function stoppedFor(facts: OrderFacts): Waiting | undefined {
  const dispute = openDispute(facts);
  if (dispute !== undefined) {
    const isOurs = dispute.stage === 'evidence_due';
    return {
      on: isOurs ? 'approver' : 'provider',
      until: (isOurs ? dispute.dueBy : undefined) ?? iso(Date.parse(dispute.openedAt) + REVIEW_MS),
      why: `the payment is disputed (${dispute.disputeId}); nothing ships until the dispute is closed`,
    };
  }
  if (!isGivenBack(facts)) return undefined;
  const until = iso(Date.parse(facts.placedAt) + facts.policy.handlingLimitMs);
  return { on: 'approver', until, why: 'all its money was refunded; cancel what has not shipped' };
}

/** Whom this order waits for; undefined if it is done. Pure, so that Postgres, search attributes and details agree. */
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
  const stopped = stoppedFor(facts);
  if (stopped !== undefined) return stopped;
  if (facts.hold !== undefined && facts.paymentDeadline !== undefined) {
    const why = 'the card hold could not be renewed: ship before it ends, or the customer pays again';
    return { on: 'warehouse', until: facts.hold.captureBefore, why };
  }
  if (facts.hold !== undefined) {
    const plan = holdPlan(facts.hold, facts.policy);
    return { on: 'warehouse', until: plan.actAt, why: 'to be shipped before the card hold must be renewed' };
  }
  if (facts.paymentState !== 'captured') {
    return {
      on: 'provider',
      until: facts.paymentDeadline ?? iso(Date.parse(facts.placedAt) + facts.policy.handlingLimitMs),
      why: 'a new card hold is being requested',
    };
  }
  return {
    on: 'warehouse',
    until: iso(Date.parse(facts.placedAt) + facts.policy.handlingLimitMs),
    why: 'paid, to be shipped',
  };
}
