import { classifyDecline } from '../payment/declines';
import { isTimeZone } from '../notice/quiet-hours';
import type { DunningPolicy, InvoiceFacts, SubscriptionFacts, QueuedNotice } from './subscription';
import type { InvoiceSnapshot, SubscriptionSnapshot } from './snapshot';
import { isEntitled, standingOf } from './stage';

/** What the provider's objects do not contain. */
export interface FactsContext {
  /** The time that all planning uses: the workflow's, or a provider's simulated one. UTC ISO string. */
  readonly now: string;
  readonly policy: DunningPolicy;
  readonly told?: readonly QueuedNotice[];
  readonly stageSince?: string;
}

/** Derives the facts from a snapshot. Pure, and independent of earlier snapshots. */
export function subscriptionFacts(snapshot: SubscriptionSnapshot, context: FactsContext): SubscriptionFacts {
  const { now, policy, told = [], stageSince } = context;
  const nowMs = Date.parse(now);
  const { stage, trial } = standingOf(snapshot, nowMs);
  const invoice = collectedInvoice(snapshot.invoices);
  const collected = invoice && invoiceFacts(invoice);
  const exhausted = collected !== undefined && isExhausted(collected, nowMs, policy, snapshot.hasPaymentMethod);
  const { currentPeriodEnd, trialEndsAt, endedAt, endReason, upcomingAmount, timeZone } = snapshot;
  return {
    subscriptionId: snapshot.subscriptionId,
    stripeCustomerId: snapshot.stripeCustomerId,
    providerStatus: snapshot.providerStatus,
    stage,
    trial,
    currency: snapshot.currency,
    items: snapshot.items,
    ...(currentPeriodEnd !== undefined && { currentPeriodEnd }),
    ...(trialEndsAt !== undefined && { trialEndsAt }),
    cancelAtPeriodEnd: snapshot.cancelAtPeriodEnd || endsWithPeriod(snapshot),
    ...(endedAt !== undefined && { endedAt }),
    ...(endReason !== undefined && { endReason }),
    collectionPaused: snapshot.collectionPaused,
    ...(stageSince !== undefined && { stageSince }),
    hasPaymentMethod: snapshot.hasPaymentMethod,
    ...(collected !== undefined && { invoice: collected }),
    ...(upcomingAmount !== undefined && { upcomingAmount }),
    exhausted,
    entitled: isEntitled(stage, exhausted),
    timeZone: timeZone !== undefined && isTimeZone(timeZone) ? timeZone : policy.defaultTimeZone,
    told,
    fetchedAt: now,
  };
}

/** An end on a date before the next charge counts as an end with the period. */
function endsWithPeriod({ cancelAt, currentPeriodEnd, trialEndsAt }: SubscriptionSnapshot): boolean {
  const chargedAt = trialEndsAt ?? currentPeriodEnd;
  return cancelAt !== undefined && chargedAt !== undefined && Date.parse(cancelAt) <= Date.parse(chargedAt);
}

/**
 * The open invoice that is tried again next, else the newest one that is being collected, else the newest. Drafts come last: an unpaid
 * subscription gets one for each period, and they must not hide that the old invoice was paid in the end.
 */
export function collectedInvoice(invoices: readonly InvoiceSnapshot[]): InvoiceSnapshot | undefined {
  const newestFirst = [...invoices].sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
  const open = newestFirst.filter((one) => one.status === 'open' && one.amountDue > one.amountPaid);
  const failing = open.filter((one) => one.attemptCount > 0);
  const settled = newestFirst.find((one) => one.status !== 'draft');
  return failing.find((one) => one.nextAttemptAt !== undefined) ?? failing[0] ?? open[0] ?? settled ?? newestFirst[0];
}

export function invoiceFacts(snapshot: InvoiceSnapshot): InvoiceFacts {
  const { adviceCode: _a, networkAdviceCode: _n, networkDeclineCode: _d, ...invoice } = snapshot;
  if (invoice.attemptCount === 0 || invoice.status === 'paid') return invoice;
  return { ...invoice, declineClass: classifyDecline(snapshot).declineClass };
}

/**
 * Has the provider given up? Right after a failed try, a missing next try proves nothing: it may be planned a moment later, so the
 * provider first gets time to plan one. After a hard decline or without a payment method the provider makes no tries but still counts
 * them, without a time: then a missing next try proves something only once the count or the span is used up.
 */
export function isExhausted(
  invoice: Pick<InvoiceFacts, 'status' | 'attemptCount' | 'nextAttemptAt' | 'failedAt' | 'createdAt' | 'declineClass'>,
  nowMs: number,
  policy: Pick<DunningPolicy, 'planningMs' | 'maxAttempts' | 'retrySpanMs'>,
  hasPaymentMethod: boolean,
): boolean {
  if (invoice.status === 'uncollectible') return true;
  if (invoice.status !== 'open' || invoice.attemptCount === 0 || invoice.nextAttemptAt !== undefined) return false;
  if (nowMs < failedMs(invoice) + policy.planningMs) return false;
  const isTried = invoice.declineClass === 'soft' && invoice.failedAt !== undefined && hasPaymentMethod;
  if (isTried || invoice.attemptCount >= policy.maxAttempts) return true;
  return nowMs >= Date.parse(invoice.createdAt) + policy.retrySpanMs + policy.planningMs;
}

/** When the newest try failed; if that is unknown, the invoice's creation, which at least never changes. */
export function failedMs(invoice: Pick<InvoiceFacts, 'failedAt' | 'createdAt'>): number {
  return Date.parse(invoice.failedAt ?? invoice.createdAt);
}
