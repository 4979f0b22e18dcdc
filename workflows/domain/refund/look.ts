import { iso } from '../shared/deadlines';
import { isGivenUpByPerson, isInProgress, unresolvedAmount, type RefundFacts } from './refund';
import { failureInWords } from './words';
import type { Waiting } from '../shared/waiting';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** The next automatic step of a refund, and when. `then` is shown beside the timer. */
export interface RefundDue {
  readonly kind:
    | 'begin' // it waits for a capture: is the outcome known?
    | 'give_up' // the capture's outcome did not become known in time
    | 'send'
    | 'overdue' // an exception is opened
    | 'sync';
  readonly atMs: number;
  readonly then: string;
}

/** What only the running workflow knows. Milliseconds since the epoch. */
export interface RefundLooks {
  /** The number of looks since the last change, and the time of that change. */
  readonly looks: number;
  readonly sinceMs: number;
  /** The time of the last look: earlier points of the plan are done. */
  readonly lookedAtMs: number;
  /** When a part that may not have been sent is tried again. */
  readonly sendAtMs: number;
  readonly overdueRaised: boolean;
  /** Automatic steps are not tried before this. */
  readonly notBeforeMs: number;
}

/** A capture mostly takes a second; one of unknown outcome is tried again every ten minutes (./../order-context.ts). */
const WAIT_PAUSES_MS = [2 * SECOND_MS, 10 * SECOND_MS, MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, HOUR_MS];

/** A capture that stays unknown for longer has its own exception; the refund must not wait for ever. */
const WAIT_LIMIT_MS = DAY_MS;

/**
 * When to ask about a refund without webhooks. Refunds to cards complete within seconds or within days, so the pauses grow to twice
 * a day.
 */
const PENDING_PAUSES_MS = [MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 6 * HOUR_MS, 12 * HOUR_MS];

/** Once an exception is open, one look a day is enough. */
const OVERDUE_PAUSE_MS = DAY_MS;

/** When a succeeded refund is looked at, as shares of the time for which it is watched: of 60 days, the 1st, 7th, 30th and last. */
const WATCH_SHARES = [1 / 60, 7 / 60, 1 / 2, 1];

/** How long a person has for a failed refund before it is overdue; the customer waits for the money. */
const PERSON_MS = 7 * DAY_MS;

/** The next automatic step of a refund; undefined if it only waits for others. Pure; table-tested. */
export function nextRefundDue(refund: RefundFacts, looks: RefundLooks, watchMs: number): RefundDue | undefined {
  const due = stateDue(refund, looks, watchMs);
  return due && { ...due, atMs: Math.max(due.atMs, looks.notBeforeMs) };
}

function stateDue(refund: RefundFacts, looks: RefundLooks, watchMs: number): RefundDue | undefined {
  if (refund.state === 'waiting') return waitingDue(refund, looks);
  if (refund.parts.some((part) => part.status === 'begun')) {
    return { kind: 'send', atMs: looks.sendAtMs, then: 'ask the provider for the refund' };
  }
  if (isInProgress(refund)) return pendingDue(refund, looks);
  return watchDue(refund, looks, watchMs);
}

function waitingDue(refund: RefundFacts, looks: RefundLooks): RefundDue {
  const limitMs = Date.parse(refund.requestedAt) + WAIT_LIMIT_MS;
  const atMs = looks.lookedAtMs + pause(WAIT_PAUSES_MS, looks.looks);
  if (atMs >= limitMs)
    return { kind: 'give_up', atMs: limitMs, then: 'give the refund up: its capture is still unknown' };
  return { kind: 'begin', atMs, then: 'look whether the outcome of the capture is known' };
}

function pendingDue(refund: RefundFacts, looks: RefundLooks): RefundDue {
  const overdueMs = Date.parse(refund.settleBy);
  const pauseMs = looks.overdueRaised ? OVERDUE_PAUSE_MS : pause(PENDING_PAUSES_MS, looks.looks);
  const atMs = Math.max(looks.lookedAtMs, looks.sinceMs) + pauseMs;
  if (!looks.overdueRaised && overdueMs <= atMs) {
    return { kind: 'overdue', atMs: overdueMs, then: 'open an exception: the refund is overdue' };
  }
  return { kind: 'sync', atMs, then: 'ask Stripe about the refund' };
}

function watchDue(refund: RefundFacts, looks: RefundLooks, watchMs: number): RefundDue | undefined {
  if (refund.watchUntil === undefined || !refund.parts.some((part) => part.status === 'succeeded')) return undefined;
  const endMs = Date.parse(refund.watchUntil);
  const points = WATCH_SHARES.map((share) => endMs - watchMs + share * watchMs);
  const atMs = points.find((point) => point > looks.lookedAtMs);
  return atMs === undefined ? undefined : { kind: 'sync', atMs, then: 'look whether a bank has returned the refund' };
}

function pause(pauses: readonly number[], looks: number): number {
  return pauses[Math.min(looks, pauses.length - 1)] ?? DAY_MS;
}

/** Must a person decide about money that was not refunded? Not if a person gave the refund up. */
export function needsPerson(refund: RefundFacts): boolean {
  return unresolvedAmount(refund) > 0 && !isGivenUpByPerson(refund);
}

/** Can nothing more happen? `lookedAtMs`: when the provider was asked last. */
export function isRefundOver(refund: RefundFacts, lookedAtMs: number): boolean {
  if (isInProgress(refund) || needsPerson(refund)) return false;
  const isWatched = refund.watchUntil !== undefined && refund.parts.some((part) => part.status === 'succeeded');
  return !isWatched || Date.parse(refund.watchUntil) <= lookedAtMs;
}

/** Whom a refund waits for; undefined for one that is over. Pure. */
export function refundWaiting(refund: RefundFacts): Waiting | undefined {
  const { state, settleBy } = refund;
  switch (state) {
    case 'waiting': {
      const until = iso(Date.parse(refund.requestedAt) + WAIT_LIMIT_MS);
      return { on: 'provider', until, why: 'it is not known yet whether the payment was captured' };
    }
    case 'requires_action':
      return { on: 'customer', until: settleBy, why: 'the customer must act before the refund can be paid' };
    case 'pending':
      return { on: 'provider', until: settleBy, why: 'the refund is on its way' };
    default:
      return needsPerson(refund) ? personWaiting(refund) : watchWaiting(refund);
  }
}

function personWaiting(refund: RefundFacts): Waiting {
  const ended = refund.parts.map((part) => part.settledAt ?? refund.requestedAt);
  const last = Math.max(Date.parse(refund.requestedAt), ...ended.map((at) => Date.parse(at)));
  return { on: 'approver', until: iso(last + PERSON_MS), why: `the refund failed: ${failureInWords(refund)}` };
}

function watchWaiting({ watchUntil, parts }: RefundFacts): Waiting | undefined {
  if (watchUntil === undefined || !parts.some((part) => part.status === 'succeeded')) return undefined;
  return { on: 'provider', until: watchUntil, why: 'refunded; watched, because a bank may return it' };
}
