import { isOver } from '../../../workflows/domain/subscription/stage';
import type { InvoiceFacts, SubscriptionFacts } from '../../../workflows/domain/subscription/subscription';
import type { SubscriptionEventType } from '../../../workflows/domain/subscription/events';

/** The part of a recorded subscription from which its events are derived. */
export interface KnownSubscription {
  readonly facts: SubscriptionFacts;
  readonly invoices: readonly InvoiceFacts[];
}

export interface SubscriptionNews {
  readonly type: SubscriptionEventType;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A row of subscription_changes. */
export type SubscriptionChange =
  | {
      readonly kind: 'plan';
      readonly before: SubscriptionFacts['items'];
      readonly after: SubscriptionFacts['items'];
      readonly currency: string;
    }
  | {
      readonly kind: 'proration';
      readonly invoiceId: string;
      readonly prorationAmount: number;
      readonly currency: string;
    };

/** Stages in which something is owed; `active` after one of them is a recovery. */
const OWING: ReadonlySet<SubscriptionFacts['stage']> = new Set(['trial_payment_failed', 'past_due', 'unpaid']);

/** The events for the changes of a subscription since its last record, in order. Pure. */
export function newsOf(before: KnownSubscription | undefined, after: KnownSubscription): SubscriptionNews[] {
  const { facts } = after;
  const was = before?.facts;
  return [
    ...(was === undefined ? [started(facts)] : []),
    ...changesOf(before, after).map(changeNews),
    ...(was !== undefined && isNewWish(was, facts) ? [cancellation(facts)] : []),
    ...invoiceNews(before, after),
    ...stageNews(was, facts),
    ...(facts.entitled === (was?.entitled ?? false) ? [] : [entitlement(facts)]),
  ];
}

/** Changes of plan, and prorations of invoices seen for the first time. Drafts are left out, because their prorations may still change. */
export function changesOf(before: KnownSubscription | undefined, after: KnownSubscription): SubscriptionChange[] {
  const changes: SubscriptionChange[] = [];
  const { items, currency } = after.facts;
  if (before !== undefined && !isSame(before.facts.items, items)) {
    changes.push({ kind: 'plan', before: before.facts.items, after: items, currency });
  }
  const wasFinal = new Set(before?.invoices.filter(isFinal).map((one) => one.invoiceId));
  for (const one of oldestFirst(after.invoices)) {
    const { invoiceId, prorationAmount } = one;
    if (!isFinal(one) || wasFinal.has(invoiceId) || prorationAmount === 0) continue;
    changes.push({ kind: 'proration', invoiceId, prorationAmount, currency: one.currency });
  }
  return changes;
}

/** Are two values equal? Undefined members and the order of members do not count. */
export function isSame(one: unknown, other: unknown): boolean {
  return canonical(one) === canonical(other);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

function started(facts: SubscriptionFacts): SubscriptionNews {
  const { stripeCustomerId, stage, trial, currency, items, trialEndsAt = null } = facts;
  return { type: 'SubscriptionStarted', data: { stripeCustomerId, stage, trial, currency, items, trialEndsAt } };
}

function changeNews(change: SubscriptionChange): SubscriptionNews {
  if (change.kind === 'plan') {
    return { type: 'SubscriptionPlanChanged', data: { before: change.before, after: change.after } };
  }
  const { invoiceId, prorationAmount: amount, currency } = change;
  return { type: 'SubscriptionProrated', data: { invoiceId, amount, currency } };
}

/** Was a cancellation at the period's end scheduled or withdrawn? The flag of a subscription that is over has no meaning. */
function isNewWish(was: SubscriptionFacts, facts: SubscriptionFacts): boolean {
  return was.cancelAtPeriodEnd !== facts.cancelAtPeriodEnd && !isOver(facts.stage);
}

function cancellation(facts: SubscriptionFacts): SubscriptionNews {
  if (!facts.cancelAtPeriodEnd) return { type: 'SubscriptionCancellationWithdrawn', data: {} };
  const at = facts.trialEndsAt !== undefined && facts.stage === 'trialing' ? facts.trialEndsAt : facts.currentPeriodEnd;
  return { type: 'SubscriptionCancellationScheduled', data: { at: at ?? null } };
}

/**
 * Payments and failed tries since the last look; of several failed tries in between, only the newest. For a subscription that is
 * seen for the first time, only its newest invoice counts.
 */
function invoiceNews(before: KnownSubscription | undefined, after: KnownSubscription): SubscriptionNews[] {
  const known = new Map(before?.invoices.map((one) => [one.invoiceId, one]));
  const invoices = before === undefined ? after.invoices.slice(0, 1) : after.invoices;
  return oldestFirst(invoices).flatMap((one): SubscriptionNews[] => {
    const was = known.get(one.invoiceId);
    const { invoiceId, currency, billingReason } = one;
    if (one.status === 'paid' && was?.status !== 'paid' && one.amountPaid > 0) {
      return [{ type: 'SubscriptionPaid', data: { invoiceId, amount: one.amountPaid, currency, billingReason } }];
    }
    const hasFailed = one.status === 'open' && one.failedAt !== undefined && one.failedAt !== was?.failedAt;
    return hasFailed ? [failure(one, after.facts)] : [];
  });
}

function failure(invoice: InvoiceFacts, facts: SubscriptionFacts): SubscriptionNews {
  const { invoiceId, amountDue, amountPaid, currency, attemptCount } = invoice;
  const { declineCode = null, declineClass = null, nextAttemptAt = null } = invoice;
  const data = {
    invoiceId,
    amount: Math.max(0, amountDue - amountPaid),
    currency,
    attemptCount: Math.max(1, attemptCount),
    declineCode,
    declineClass,
    nextAttemptAt,
    ofTrial: facts.trial === 'conversion_failed',
  };
  return { type: 'SubscriptionPaymentFailed', data };
}

function stageNews(was: SubscriptionFacts | undefined, facts: SubscriptionFacts): SubscriptionNews[] {
  const { stage: to, trial, endedAt = null } = facts;
  const from = was?.stage;
  if (from === to) return [];
  const news: SubscriptionNews[] = [];
  if (from !== undefined) news.push({ type: 'SubscriptionStageChanged', data: { from, to, trial } });
  if (from !== undefined && OWING.has(from) && to === 'active') {
    const invoiceId = facts.invoice?.status === 'paid' ? facts.invoice.invoiceId : null;
    news.push({ type: 'SubscriptionRecovered', data: { from, invoiceId } });
  }
  if (isOver(to)) news.push({ type: 'SubscriptionEnded', data: { stage: to, endedAt } });
  return news;
}

function entitlement({ entitled, stage }: SubscriptionFacts): SubscriptionNews {
  return { type: entitled ? 'EntitlementGranted' : 'EntitlementRevoked', data: { stage } };
}

function isFinal(invoice: InvoiceFacts): boolean {
  return invoice.status !== 'draft';
}

function oldestFirst(invoices: readonly InvoiceFacts[]): readonly InvoiceFacts[] {
  return [...invoices].sort((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt));
}
