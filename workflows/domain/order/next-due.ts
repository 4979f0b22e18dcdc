import { holdPlan } from '../shared/deadlines';
import { openDispute } from '../dispute/dispute';
import { isHeldUp, isRaised, remainingLines } from './order';
import type { OrderFacts } from './order';
import { isTerminal } from './state';
import { owedAmount } from './owed';
import { isGivenBack } from './order';

/** The next automatic step of an order, and when. `then` is shown beside the timer. */
export interface Due {
  readonly kind:
    | 'let_go' // a hold that was replaced is still open: void it
    | 'settle' // a step whose outcome is not known is tried again
    | 'capture_order' // policy of the order: all its money is captured as soon as it is placed
    | 'authorize' // no hold is open while something is left to ship
    | 'warn_hold'
    | 'act_on_hold'
    | 'capture_last' // the bank refused a new hold, and the policy captures the money before the old one ends
    | 'check_hold' // the hold should have ended by now, even if its webhook was lost
    | 'poll_payment' // the customer was asked to act: did they?
    | 'payment_deadline'
    | 'shipment_overdue'
    | 'delivery_overdue';
  readonly atMs: number;
  readonly then: string;
}

/** What only the running workflow knows. */
export interface DueContext {
  /** When a step of unknown outcome is tried again; undefined if there is none. */
  readonly retryAtMs?: number | undefined;
  /** Automatic steps are not tried before this. */
  readonly notBeforeMs: number;
  readonly pollAtMs: number;
  /** A replaced hold is not voided before this; other steps are not delayed by it. */
  readonly voidAtMs: number;
  /** A void failed and its exception is open: it is tried again even if nothing is left to void, to close the exception. */
  readonly voidFailed: boolean;
}

/** The next automatic step of an order; undefined if it only waits for others. Pure; table-tested. */
export function nextDue(facts: OrderFacts, context: DueContext): Due | undefined {
  if (context.retryAtMs !== undefined) {
    return { kind: 'settle', atMs: context.retryAtMs, then: 'try again a step whose outcome is not known' };
  }
  const next = stateDue(facts, context);
  const isOwed = facts.supersededHolds.length > 0 || context.voidFailed;
  if (!isOwed || (next !== undefined && next.atMs < context.voidAtMs)) return next;
  return { kind: 'let_go', atMs: context.voidAtMs, then: 'void the replaced card hold' };
}

function stateDue(facts: OrderFacts, context: DueContext): Due | undefined {
  if (isTerminal(facts.state)) return undefined;
  const due =
    facts.state === 'shipped'
      ? deliveryDue(facts)
      : facts.paymentState === 'captured'
        ? handlingDue(facts)
        : paymentDue(facts, context);
  return due === undefined ? undefined : { ...due, atMs: Math.max(due.atMs, context.notBeforeMs) };
}

function paymentDue(facts: OrderFacts, context: DueContext): Due | undefined {
  if (remainingLines(facts).length === 0) return undefined;
  const { hold, paymentDeadline, paymentState } = facts;
  // Without a hold and without a request to the customer, the deadline is the one for getting a hold.
  if (paymentDeadline !== undefined && (hold !== undefined || paymentState === 'payment_needed')) {
    return customerDue(facts, context, Date.parse(paymentDeadline));
  }
  // During a dispute nothing ships, so no hold is requested either.
  if (facts.hold === undefined && openDispute(facts) !== undefined) return undefined;
  // Only a person can request another hold, or the customer if the hold was cancelled.
  if (facts.hold === undefined && isRaised(facts, 'hold_cancelled', 'hold_stopped')) return undefined;
  // Lines that cost nothing or are paid for need no hold.
  if (facts.hold === undefined && owedAmount(facts) === 0) return handlingDue(facts);
  if (facts.hold === undefined)
    return { kind: 'authorize', atMs: 0, then: 'request a card hold for what is left to ship' };
  // After a refused capture or a refund of everything, nothing is captured automatically before a person has decided.
  const isHalted = isRaised(facts, 'capture_refused') || isGivenBack(facts);
  if (facts.captureOn === 'order' && owedAmount(facts) > 0 && !isHalted)
    return { kind: 'capture_order', atMs: 0, then: 'capture the money of the order' };
  return earlier(holdDue(facts, facts.hold), handlingDue(facts));
}

function earlier(one: Due, other: Due | undefined): Due {
  return other === undefined || one.atMs <= other.atMs ? one : other;
}

/**
 * While the customer is asked for another payment, the earliest of three: the old hold ends, we ask the provider whether the
 * customer has paid (its webhook may be lost), or the deadline passes.
 */
function customerDue(facts: OrderFacts, context: DueContext, deadlineMs: number): Due {
  const deadline: Due = {
    kind: 'payment_deadline',
    atMs: deadlineMs,
    then: 'cancel the order unless the customer has renewed the payment',
  };
  const lastCallMs = lastCapture(facts);
  const checkMs = facts.hold === undefined ? Infinity : Date.parse(holdPlan(facts.hold, facts.policy).checkAt);
  const pollMs = facts.pendingPaymentIntentId === undefined ? Infinity : context.pollAtMs;
  if (lastCallMs < Math.min(deadlineMs, checkMs, pollMs)) {
    return { kind: 'capture_last', atMs: lastCallMs, then: 'capture the money before the card hold ends' };
  }
  if (deadlineMs <= Math.min(checkMs, pollMs)) return deadline;
  if (checkMs <= pollMs) return { kind: 'check_hold', atMs: checkMs, then: 'look whether the old card hold has ended' };
  return { kind: 'poll_payment', atMs: pollMs, then: 'ask Stripe whether the customer has renewed the payment' };
}

/** When the policy captures a hold that the bank refuses to renew; never during a dispute. */
function lastCapture(facts: OrderFacts): number {
  const { hold, policy } = facts;
  if (hold === undefined || policy.onRenewalDeclined !== 'capture' || openDispute(facts) !== undefined) return Infinity;
  if (isRaised(facts, 'capture_refused') || isGivenBack(facts)) return Infinity;
  return Date.parse(holdPlan(hold, policy).lastCallAt);
}

function holdDue(facts: OrderFacts, hold: NonNullable<OrderFacts['hold']>): Due {
  const plan = holdPlan(hold, facts.policy);
  if (facts.holdWarnedAt === undefined && plan.warnAt < plan.actAt) {
    return {
      kind: 'warn_hold',
      atMs: Date.parse(plan.warnAt),
      then: 'notify the shop that the card hold is about to end',
    };
  }
  const isRefused = facts.policy.onHoldExpiring === 'capture' && isRaised(facts, 'capture_refused');
  if (isRaised(facts, 'hold_decision', 'hold_stopped') || isRefused) {
    return {
      kind: 'check_hold',
      atMs: Date.parse(plan.checkAt),
      then: 'look whether the card hold has ended without a decision',
    };
  }
  const isLate = facts.policy.onHoldExpiring === 'releaseThenRetry' && openDispute(facts) === undefined;
  return {
    kind: 'act_on_hold',
    atMs: Date.parse(isLate ? plan.lastCallAt : plan.actAt),
    then: `act on the card hold (${openDispute(facts) === undefined ? facts.policy.onHoldExpiring : 'disputed: ask'})`,
  };
}

function handlingDue(facts: OrderFacts): Due | undefined {
  if (isHeldUp(facts) || openDispute(facts) !== undefined) return undefined;
  const atMs = Date.parse(facts.placedAt) + facts.policy.handlingLimitMs;
  return { kind: 'shipment_overdue', atMs, then: 'open an exception: the order has not shipped' };
}

function deliveryDue(facts: OrderFacts): Due | undefined {
  if (isHeldUp(facts)) return undefined;
  const lastMs = Math.max(...facts.shipments.map((one) => Date.parse(one.shippedAt)));
  return {
    kind: 'delivery_overdue',
    atMs: lastMs + facts.policy.deliveryLimitMs,
    then: 'open an exception: the parcels have not arrived',
  };
}
