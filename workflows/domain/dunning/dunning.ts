import { iso } from '../shared/deadlines';
import { noticeKey, toldOfInvoice, type NoticeKey, type NoticeSlot } from './keys';
import { noticeTime } from '../notice/times';
import { failedPayment, productName, shopLink } from './data';
import { failureKinds, isFinalTry, mustEnd, quietHoursOf, seriousness, willCharge } from './rules';
import type { DunningOutcome, Notice, NoticeKind, NoticePayloads } from '../notice/notices';
import type { DunningPolicy, InvoiceFacts, SubscriptionFacts } from '../subscription/subscription';
import { failedMs } from '../subscription/facts';
import { isKnownStatus } from '../subscription/stage';

/*
 * The dunning plan: which notices a subscriber gets, and when. It is derived each time from the current facts and from the notices so
 * far, so a lost, late or repeated event changes only the time of the next look.
 */

/** A notice with its planned time in `dueAt`; queuing replaces it with the time at which it is queued. */
export type PlannedNotice = Notice;

/** A notice of the end that comes more than a week late would only alarm the customer. */
const END_IS_NEWS_MS = 7 * 24 * 60 * 60_000;

/** Even if tries follow each other closely, a customer gets a notice after this many spacings. */
const MAX_SILENCE_SPACINGS = 2;

/**
 * Plans the notices and their times; a notice that is due has a `dueAt` of `nowMs`. The same facts give the same plan, and notices that
 * were sent are not planned again. Before reading the sent notices, cancel those that are no longer true ({@link untrueNotices}), so
 * that only customers who got a failure notice get a recovery notice.
 */
export function planNotices(facts: SubscriptionFacts, nowMs: number, policy: DunningPolicy): PlannedNotice[] {
  if (!isKnownStatus(facts.providerStatus)) return [];
  const planned = kindsOf(facts, nowMs, policy);
  const told = new Set(facts.told.map((one) => one.noticeKey));
  return planned.filter((one) => one !== undefined).filter((one) => !told.has(one.noticeKey));
}

function kindsOf(facts: SubscriptionFacts, nowMs: number, policy: DunningPolicy): (PlannedNotice | undefined)[] {
  switch (facts.stage) {
    case 'trialing':
      return [recovered(facts, nowMs, policy), trialEnding(facts, nowMs, policy)];
    case 'active':
      return [recovered(facts, nowMs, policy)];
    case 'past_due':
    case 'trial_payment_failed':
      return [facts.exhausted ? ended(facts, nowMs, policy) : failure(facts, nowMs, policy)];
    case 'unpaid':
    case 'canceled':
      return [ended(facts, nowMs, policy)];
    case 'paused':
      return [paused(facts, nowMs, policy)];
    case 'incomplete':
    case 'incomplete_expired':
      // The customer is still in the checkout, which shows the failure.
      return [];
  }
}

/** At most one notice for each failed try. */
function failure(facts: SubscriptionFacts, nowMs: number, policy: DunningPolicy): PlannedNotice | undefined {
  const { invoice } = facts;
  if (invoice === undefined || invoice.status !== 'open' || invoice.attemptCount === 0) return undefined;
  const told = toldOfInvoice(facts).filter((one) => failureKinds.includes(one.kind));
  // After the last notice none follows until the end, even if the provider tries more often than configured.
  if (told.some((one) => one.noticeKey === keyOf(facts, 'last', one.kind))) return undefined;
  const fromMs = Math.max(failedMs(invoice) + policy.graceMs, nowMs);
  if (isFinalTry(invoice, policy)) return lastNotice(facts, invoice, fromMs, policy, told.length > 0);
  // The provider's count may increase without a try, so the time of the failed try decides.
  if (told.some((one) => Date.parse(one.at) >= failedMs(invoice))) return undefined;
  const lastToldMs = Math.max(...told.map((one) => Date.parse(one.at)), -Infinity);
  return failureNotice(facts, invoice, Math.max(fromMs, lastToldMs + policy.spacingMs), policy);
}

function failureNotice(
  facts: SubscriptionFacts,
  invoice: InvoiceFacts,
  fromMs: number,
  policy: DunningPolicy,
): PlannedNotice | undefined {
  const quietHours = quietHoursOf(facts, policy);
  const nextMs = invoice.nextAttemptAt === undefined ? undefined : Date.parse(invoice.nextAttemptAt);
  const trialHasFailed = facts.stage === 'trial_payment_failed';
  const reason = seriousness(facts);
  if (reason !== 'soft') {
    const atMs = noticeTime({ fromMs, bestMs: fromMs, untilMs: Infinity }, quietHours);
    if (atMs === undefined) return undefined;
    const slot = { slot: invoice.attemptCount, atMs };
    const data = { ...failedPayment(facts, invoice, policy), reason };
    return trialHasFailed
      ? planned(facts, policy, 'trial_payment_failed', slot, data)
      : planned(facts, policy, 'card_needed', slot, data);
  }
  // Without a date there is nothing to promise; the provider plans the next try within moments.
  if (nextMs === undefined) return undefined;
  const atMs = noticeTime({ fromMs, bestMs: fromMs, untilMs: lastMomentMs(facts, fromMs, nextMs, policy) }, quietHours);
  if (atMs === undefined) return undefined;
  const slot = { slot: invoice.attemptCount, atMs, expiresAtMs: nextMs };
  const triesLeft = Math.max(1, policy.maxAttempts - invoice.attemptCount);
  const data = { ...failedPayment(facts, invoice, policy), nextTryAt: iso(nextMs), triesLeft };
  return trialHasFailed
    ? planned(facts, policy, 'trial_payment_failed', slot, { ...data, reason })
    : planned(facts, policy, 'payment_failed', slot, data);
}

/**
 * No notice is sent within the grace before a try either, because the try may succeed while the mail is read. If tries follow each
 * other more closely than that, the customer gets a notice after twice the spacing anyway.
 */
function lastMomentMs(facts: SubscriptionFacts, fromMs: number, nextMs: number, policy: DunningPolicy): number {
  const told = toldOfInvoice(facts).map((one) => Date.parse(one.at));
  const knownMs = Math.max(Date.parse(facts.invoice?.createdAt ?? facts.fetchedAt), ...told);
  return fromMs - knownMs >= MAX_SILENCE_SPACINGS * policy.spacingMs ? nextMs - 1 : nextMs - policy.graceMs;
}

/** Once for each invoice: before the final try, or before the deadline if only the customer can resolve the failure. */
function lastNotice(
  facts: SubscriptionFacts,
  invoice: InvoiceFacts,
  fromMs: number,
  policy: DunningPolicy,
  hasTold: boolean,
): PlannedNotice | undefined {
  const nextMs = Date.parse(invoice.nextAttemptAt ?? '');
  const reason = seriousness(facts);
  // A customer who must act is notified at once, unless there was a notice before.
  const bestMs = reason === 'soft' || hasTold ? nextMs - policy.lastNoticeMs : fromMs;
  const atMs = noticeTime({ fromMs, bestMs, untilMs: nextMs - policy.graceMs }, quietHoursOf(facts, policy));
  if (atMs === undefined) return undefined;
  const slot = { slot: 'last', atMs, expiresAtMs: nextMs } as const;
  const data = failedPayment(facts, invoice, policy);
  if (reason !== 'soft') return planned(facts, policy, 'card_needed', slot, { ...data, reason, until: iso(nextMs) });
  const outcome = policy.onExhausted === 'cancel' ? 'canceled' : policy.providerOutcome;
  return planned(facts, policy, 'payment_last_try', slot, { ...data, lastTryAt: iso(nextMs), outcome });
}

/** Only customers who got a failure notice get a recovery notice. */
function recovered(facts: SubscriptionFacts, nowMs: number, policy: DunningPolicy): PlannedNotice | undefined {
  const { invoice } = facts;
  if (invoice?.status !== 'paid' || toldOfInvoice(facts).length === 0) return undefined;
  const atMs = noticeTime({ fromMs: nowMs, bestMs: nowMs, untilMs: Infinity }, quietHoursOf(facts, policy));
  if (atMs === undefined) return undefined;
  const amount = { amount: invoice.amountPaid, currency: invoice.currency };
  const data = { amount, productName: productName(facts) };
  return planned(facts, policy, 'payment_recovered', { slot: 'paid', atMs }, data);
}

/** The end of dunning. No notice if somebody ended the subscription on purpose. */
function ended(facts: SubscriptionFacts, nowMs: number, policy: DunningPolicy): PlannedNotice | undefined {
  const { invoice } = facts;
  if (invoice === undefined || invoice.status === 'paid' || invoice.attemptCount === 0) return undefined;
  if (facts.endReason !== undefined && facts.endReason !== 'payment_failed') return undefined;
  // Holdfast is about to end the subscription; the notice follows that.
  if (mustEnd(facts, policy)) return undefined;
  const outcome: DunningOutcome = facts.stage === 'canceled' || facts.stage === 'unpaid' ? facts.stage : 'past_due';
  // Without a date of the end, the end of the retry span counts: the last tries may have been counted without being made.
  const spanEndMs = Math.max(failedMs(invoice), Date.parse(invoice.createdAt) + policy.retrySpanMs);
  const untilMs = (facts.endedAt === undefined ? spanEndMs : Date.parse(facts.endedAt)) + END_IS_NEWS_MS;
  const atMs = noticeTime({ fromMs: nowMs, bestMs: nowMs, untilMs }, quietHoursOf(facts, policy));
  if (atMs === undefined) return undefined;
  // Paying the invoice of a canceled subscription brings nothing back.
  const payLink = shopLink(facts, policy) ?? (outcome === 'canceled' ? undefined : invoice.hostedUrl);
  const data = { productName: productName(facts), outcome, ...(payLink !== undefined && { payLink }) };
  return planned(facts, policy, 'subscription_ended', { slot: 'end', atMs, expiresAtMs: untilMs }, data);
}

/** A trial that ends without a charge needs no notice. */
function trialEnding(facts: SubscriptionFacts, nowMs: number, policy: DunningPolicy): PlannedNotice | undefined {
  const { trialEndsAt, upcomingAmount = 0 } = facts;
  if (trialEndsAt === undefined || upcomingAmount === 0 || !willCharge(facts)) return undefined;
  const untilMs = Date.parse(trialEndsAt);
  const window = { fromMs: nowMs, bestMs: untilMs - policy.trialNoticeMs, untilMs: untilMs - 1 };
  const atMs = noticeTime(window, quietHoursOf(facts, policy));
  if (atMs === undefined) return undefined;
  const payLink = shopLink(facts, policy);
  return planned(
    facts,
    policy,
    'trial_ending',
    { about: trialEndsAt, atMs, expiresAtMs: untilMs },
    {
      productName: productName(facts),
      trialEndsAt,
      amount: { amount: upcomingAmount, currency: facts.currency },
      hasPaymentMethod: facts.hasPaymentMethod,
      ...(payLink !== undefined && { payLink }),
    },
  );
}

/** One notice for each pause. */
function paused(facts: SubscriptionFacts, nowMs: number, policy: DunningPolicy): PlannedNotice | undefined {
  const { stageSince, trialEndsAt } = facts;
  const sinceMs = stageSince === undefined ? -Infinity : Date.parse(stageSince);
  const told = facts.told.filter((one) => one.kind === 'subscription_paused');
  if (told.some((one) => Date.parse(one.at) >= sinceMs)) return undefined;
  const atMs = noticeTime({ fromMs: nowMs, bestMs: nowMs, untilMs: Infinity }, quietHoursOf(facts, policy));
  if (atMs === undefined) return undefined;
  const resumeLink = shopLink(facts, policy);
  const data = { productName: productName(facts), ...(resumeLink !== undefined && { resumeLink }) };
  return planned(facts, policy, 'subscription_paused', { about: stageSince ?? trialEndsAt ?? 'once', atMs }, data);
}

type Slot = ({ readonly slot: NoticeSlot } | { readonly about: string }) & {
  readonly atMs: number;
  readonly expiresAtMs?: number;
};

function planned<Kind extends NoticeKind>(
  facts: SubscriptionFacts,
  policy: DunningPolicy,
  kind: Kind,
  slot: Slot,
  data: NoticePayloads[Kind],
): PlannedNotice {
  const { subscriptionId, stripeCustomerId } = facts;
  return {
    noticeKey: 'slot' in slot ? keyOf(facts, slot.slot, kind) : noticeKey({ subscriptionId, about: slot.about, kind }),
    kind,
    subject: { type: 'subscription', id: subscriptionId },
    recipient: { to: 'provider_customer', stripeCustomerId },
    data,
    dueAt: iso(slot.atMs),
    ...(slot.expiresAtMs !== undefined && { expiresAt: iso(slot.expiresAtMs) }),
    quietHours: quietHoursOf(facts, policy),
    // One kind with the data of that kind: the compiler does not follow a union through a type parameter.
  } as PlannedNotice;
}

function keyOf(facts: SubscriptionFacts, slot: NoticeSlot, kind: NoticeKind): string {
  const key: NoticeKey = { invoiceId: facts.invoice?.invoiceId ?? facts.subscriptionId, slot, kind };
  return noticeKey(key);
}
