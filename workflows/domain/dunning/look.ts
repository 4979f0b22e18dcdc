import { iso } from '../shared/deadlines';
import { planNotices } from './dunning';
import { toldOfInvoice } from './keys';
import { failureKinds, isBeingCollected, isFinalTry, quietHoursOf, seriousness } from './rules';
import { nextAllowed } from '../notice/quiet-hours';
import type { DunningPolicy, InvoiceFacts, SubscriptionFacts } from '../subscription/subscription';
import { failedMs } from '../subscription/facts';
import { isOver } from '../subscription/stage';
import type { Waiting } from '../shared/waiting';

/** The next look at a subscription without a webhook, and its reason. */
export interface Look {
  /** UTC ISO string, later than now. */
  readonly at: string;
  /** Shown beside the timer. */
  readonly why: string;
}

interface LookMs {
  readonly atMs: number;
  readonly why: string;
}

/** An incomplete subscription lapses after this. Source: Stripe, subscription statuses. */
const INCOMPLETE_LIFE_MS = 23 * 60 * 60_000;
/** No notice can follow before the next try. */
const NEXT_TRY_DECIDES = -Infinity;
/** The time until the next look if there is no date. Changes by the shop come as events; this only limits how long a lost event is missed. */
const IDLE_MS = 30 * 24 * 60 * 60_000;

/**
 * When the workflow wakes next: for the next notice, or when the facts may have changed without an event. Undefined once the
 * subscription is over. Notices that are due now count as sent, so the caller must queue them with the same facts.
 *
 * Each wake costs six history events, and a cycle of eight tries has forty. So the workflow looks at a try only if a notice may follow
 * from it. Looking after each try was rejected: 8 tries, 48 events, and 4 of the looks would lead to no notice.
 */
export function nextLook(facts: SubscriptionFacts, nowMs: number, policy: DunningPolicy): Look | undefined {
  const planned = planNotices(facts, nowMs, policy);
  const due = planned.filter((one) => Date.parse(one.dueAt) <= nowMs);
  const told = [...facts.told, ...due.map(({ noticeKey, kind }) => ({ noticeKey, kind, at: iso(nowMs) }))];
  const after = { ...facts, told };
  const notices = planNotices(after, nowMs, policy)
    .map((one): LookMs => ({ atMs: Date.parse(one.dueAt), why: `to send the notice ${one.kind}` }))
    .filter((one) => one.atMs > nowMs);
  const looks = [...notices, changeLook(after, nowMs, policy)].filter((one) => one !== undefined);
  const [next] = looks.sort((a, b) => a.atMs - b.atMs);
  return next && { at: iso(next.atMs), why: next.why };
}

/**
 * Whom a subscription waits for; undefined once it is over. `until` does not change while one invoice is collected, because each change
 * would cost a history event.
 */
export function subscriptionWaiting(facts: SubscriptionFacts, policy: DunningPolicy): Waiting | undefined {
  if (isOver(facts.stage)) return undefined;
  const { invoice } = facts;
  const madeMs = Date.parse(invoice?.createdAt ?? facts.stageSince ?? facts.fetchedAt);
  const periodEnd = facts.currentPeriodEnd ?? iso(madeMs + IDLE_MS);
  switch (facts.stage) {
    case 'incomplete':
      return { on: 'customer', until: iso(madeMs + INCOMPLETE_LIFE_MS), why: 'the first payment is not made yet' };
    case 'trialing':
      return { on: 'provider', until: facts.trialEndsAt ?? periodEnd, why: 'the trial runs' };
    case 'paused':
      return { on: 'customer', until: periodEnd, why: 'paused until there is a payment method, or by hand' };
    case 'unpaid':
      return { on: 'customer', until: periodEnd, why: 'the tries have ended; a new payment method reactivates it' };
    case 'past_due':
    case 'trial_payment_failed': {
      if (facts.exhausted) {
        return { on: 'customer', until: periodEnd, why: 'the tries have ended; a new payment method reactivates it' };
      }
      const until = iso(madeMs + policy.retrySpanMs);
      return seriousness(facts) === 'soft'
        ? { on: 'provider', until, why: 'the payment failed and will be tried again' }
        : {
            on: 'customer',
            until,
            why: 'the payment failed; the customer must confirm it or give another payment method',
          };
    }
    default:
      return { on: 'provider', until: periodEnd, why: 'the next period' };
  }
}

/** When the facts may have changed without an event. */
function changeLook(facts: SubscriptionFacts, nowMs: number, policy: DunningPolicy): LookMs | undefined {
  if (isOver(facts.stage)) return undefined;
  if (isBeingCollected(facts) && !facts.exhausted && facts.invoice !== undefined) {
    return collectionLook(facts, facts.invoice, nowMs, policy);
  }
  if (facts.stage === 'incomplete') {
    const atMs = Date.parse(facts.invoice?.createdAt ?? facts.fetchedAt) + INCOMPLETE_LIFE_MS + policy.settlingMs;
    return { atMs: orLater(nowMs, atMs, policy), why: 'to see whether the first payment was made' };
  }
  return facts.stage === 'trialing' && facts.trialEndsAt !== undefined
    ? trialLook(facts, Date.parse(facts.trialEndsAt), nowMs, policy)
    : periodLook(facts, nowMs, policy);
}

/** One look before the notice, to find out what will be charged; one after the end, to see whether it was paid. */
function trialLook(facts: SubscriptionFacts, endMs: number, nowMs: number, policy: DunningPolicy): LookMs {
  const warnMs = nextAllowed(endMs - policy.trialNoticeMs, quietHoursOf(facts, policy));
  if (warnMs > nowMs && warnMs < endMs) return { atMs: warnMs, why: 'to see what the end of the trial will cost' };
  const firstTriedMs = endMs + policy.finalizationMs + policy.graceMs;
  return { atMs: outOfQuiet(facts, orLater(nowMs, firstTriedMs, policy), policy), why: 'to see how the trial ended' };
}

/** The look at a renewal comes when the first notice of a failure would be due, so that both need only one wake. */
function periodLook(facts: SubscriptionFacts, nowMs: number, policy: DunningPolicy): LookMs {
  if (facts.trial === 'converting' && facts.trialEndsAt !== undefined) {
    const triedMs = Date.parse(facts.trialEndsAt) + policy.finalizationMs + policy.graceMs;
    return { atMs: outOfQuiet(facts, orLater(nowMs, triedMs, policy), policy), why: 'to see how the trial ended' };
  }
  const endMs = facts.currentPeriodEnd === undefined ? undefined : Date.parse(facts.currentPeriodEnd);
  if (endMs === undefined) return { atMs: nowMs + IDLE_MS, why: 'to see whether anything has changed' };
  const settledMs = facts.cancelAtPeriodEnd ? policy.settlingMs : policy.finalizationMs + policy.graceMs;
  const atMs = outOfQuiet(facts, orLater(nowMs, endMs + settledMs, policy), policy);
  return { atMs, why: facts.cancelAtPeriodEnd ? 'to see that it has ended' : 'to see whether the next period is paid' };
}

function collectionLook(
  facts: SubscriptionFacts,
  invoice: InvoiceFacts,
  nowMs: number,
  policy: DunningPolicy,
): LookMs | undefined {
  if (invoice.nextAttemptAt === undefined) {
    return { atMs: unplannedLookMs(facts, invoice, nowMs, policy), why: 'to see whether another try is planned' };
  }
  const nextMs = Date.parse(invoice.nextAttemptAt);
  if (isFinalTry(invoice, policy)) {
    // A subscription that the provider leaves past due shows this only by the missing next try.
    const planningMs = policy.providerOutcome === 'past_due' ? policy.planningMs : 0;
    const atMs = orLater(nowMs, nextMs + policy.settlingMs + planningMs, policy);
    return { atMs, why: 'to see what became of the final try' };
  }
  const tellableMs = nextMs + policy.settlingMs + policy.graceMs;
  const atMs = Math.max(laterNoticeMs(facts, invoice, nowMs, policy), tellableMs);
  return {
    atMs: outOfQuiet(facts, orLater(nowMs, atMs, policy), policy),
    why: 'to see whether the payment was made meanwhile',
  };
}

/** A notice waits for the date of the next try, which is planned within moments; if it stays absent, the tries have ended. */
function unplannedLookMs(
  facts: SubscriptionFacts,
  invoice: InvoiceFacts,
  nowMs: number,
  policy: DunningPolicy,
): number {
  const laterMs = laterNoticeMs(facts, invoice, nowMs, policy);
  const tellableMs = outOfQuiet(facts, Math.max(failedMs(invoice) + policy.graceMs, laterMs), policy);
  const plannedMs = failedMs(invoice) + policy.planningMs;
  const isOneToCome = invoice.attemptCount < policy.maxAttempts;
  if (isOneToCome && laterMs > nowMs) return tellableMs;
  const toCome = (isOneToCome ? [tellableMs, plannedMs] : [plannedMs]).filter((ms) => ms > nowMs);
  return toCome.length === 0 ? nowMs + Math.max(policy.planningMs, policy.settlingMs) : Math.min(...toCome);
}

/** The earliest time at which a notice may follow from the present facts. */
function laterNoticeMs(facts: SubscriptionFacts, invoice: InvoiceFacts, nowMs: number, policy: DunningPolicy): number {
  const told = toldOfInvoice(facts)
    .filter((one) => failureKinds.includes(one.kind))
    .map((one) => Date.parse(one.at));
  // After one more failure the next try is the final one, and the last notice must be sent before it.
  if (invoice.attemptCount >= policy.maxAttempts - 2 || told.length === 0) return NEXT_TRY_DECIDES;
  const lastToldMs = Math.max(...told);
  const spacedMs = lastToldMs + policy.spacingMs;
  const finalSoonMs = Date.parse(invoice.createdAt) + policy.retrySpanMs - policy.lastNoticeMs;
  // The notice of a soft failure that could have been sent by now is held back for a near try, which decides.
  const isHeld = spacedMs <= nowMs && lastToldMs < failedMs(invoice) && seriousness(facts) === 'soft';
  const toCome = [spacedMs, finalSoonMs].filter((ms) => ms > nowMs);
  return isHeld || toCome.length === 0 ? NEXT_TRY_DECIDES : Math.min(...toCome);
}

/** No notice can be sent in quiet hours, so a look during them would need another wake afterwards. */
function outOfQuiet(facts: SubscriptionFacts, atMs: number, policy: DunningPolicy): number {
  return nextAllowed(atMs, quietHoursOf(facts, policy));
}

/** A provider that is late is asked again, at growing intervals. */
function orLater(nowMs: number, atMs: number, policy: DunningPolicy): number {
  return atMs > nowMs ? atMs : nowMs + Math.max(policy.settlingMs, nowMs - atMs);
}
