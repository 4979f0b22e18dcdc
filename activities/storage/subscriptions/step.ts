import { randomBytes } from 'node:crypto';
import type { SubscriptionFacts, InvoiceFacts } from '../../../workflows/domain/subscription/subscription';
import type { Waiting } from '../../../workflows/domain/shared/waiting';
import { writeSubjectEntry, type StepCause } from '../audit/audit';
import type { Transaction } from '../postgres/database';
import { statement } from '../postgres/statements';
import { changesOf, isSame, newsOf, type KnownSubscription, type SubscriptionNews } from './news';
import { subscriptionRecord, type SubscriptionRecord, type SubscriptionRow } from './record';

const sql = {
  lock: statement('subscription-lock'),
  load: statement('subscription-load'),
  write: statement('subscription-write'),
  sequence: statement('subscription-sequence'),
  invoices: statement('subscription-invoices-write'),
  changes: statement('subscription-changes-insert'),
  events: statement('subscription-events-insert'),
};

/** Locks the subscription until the end of the transaction. Send it first; it is awaited with the statements that follow. */
export function lockSubscription(tx: Transaction, subscriptionId: string): void {
  tx.write(sql.lock, [subscriptionId]);
}

/** Reads a subscription in a transaction. */
export async function loadSubscription(
  tx: Transaction,
  subscriptionId: string,
): Promise<SubscriptionRecord | undefined> {
  const [row] = await tx.query<SubscriptionRow>(sql.load, [subscriptionId]);
  return row && subscriptionRecord(row.record);
}

/** The current state of a subscription, to be recorded. */
export interface CurrentSubscription extends KnownSubscription {
  readonly waiting: Waiting | undefined;
}

/**
 * Writes the changes of a subscription with its events and its audit entry; nothing if there are no changes.
 * @returns the recorded version
 */
export function writeSubscription(
  tx: Transaction,
  record: SubscriptionRecord | undefined,
  current: CurrentSubscription,
  cause: StepCause,
): number {
  const { facts, waiting } = current;
  const { subscriptionId, fetchedAt } = facts;
  const invoices = newInvoices(record, current.invoices);
  const isKnown = record !== undefined && isSame(summary(record.facts, record.waiting), summary(facts, waiting));
  if (isKnown && invoices.length === 0) return record.version;
  const news = newsOf(record, current);
  const changes = changesOf(record, current);
  const traceId = record?.traceId ?? randomBytes(16).toString('hex');
  const eventSequence = (record?.eventSequence ?? 0) + news.length;
  const row = rowOf(facts, waiting, { traceId, eventSequence });
  tx.write(sql.write, [JSON.stringify(row), cause.nowIso]);
  if (invoices.length > 0) tx.write(sql.invoices, [subscriptionId, JSON.stringify(invoices), cause.nowIso]);
  if (changes.length > 0) tx.write(sql.changes, [subscriptionId, JSON.stringify(changes), fetchedAt]);
  writeNews(tx, { subscriptionId, traceId, eventSequence: record?.eventSequence ?? 0 }, news, cause, fetchedAt);
  const before = record && auditSummary(record.facts);
  writeSubjectEntry(tx, { type: 'subscription', id: subscriptionId }, cause, before, auditSummary(facts));
  return (record?.version ?? 0) + 1;
}

/** Writes events of a recorded subscription without changing its facts. */
export function writeEventsAlone(
  tx: Transaction,
  record: SubscriptionRecord,
  news: readonly SubscriptionNews[],
  cause: StepCause,
): void {
  const { subscriptionId } = record.facts;
  const { traceId, eventSequence } = record;
  writeNews(tx, { subscriptionId, traceId, eventSequence }, news, cause, cause.nowIso);
  tx.write(sql.sequence, [subscriptionId, eventSequence + news.length, cause.nowIso]);
}

function writeNews(
  tx: Transaction,
  from: { readonly subscriptionId: string; readonly traceId: string; readonly eventSequence: number },
  news: readonly SubscriptionNews[],
  cause: StepCause,
  occurredAt: string,
): void {
  if (news.length === 0) return;
  const rows = news.map((one, index) => ({ ...one, sequence: from.eventSequence + index + 1 }));
  tx.write(sql.events, [from.subscriptionId, from.traceId, cause.operationKey, occurredAt, JSON.stringify(rows)]);
}

/** The facts that are stored in the subscription's own row. */
function summary(facts: SubscriptionFacts, waiting: Waiting | undefined): object {
  const { told: _told, fetchedAt: _fetchedAt, invoice, ...rest } = facts;
  return { ...rest, collectionPaused: rest.collectionPaused === true, invoiceId: invoice?.invoiceId, waiting };
}

/** The part that the audit log stores: states, ids, amounts and dates; no personal data. */
function auditSummary(facts: SubscriptionFacts): object {
  const { stage, trial, entitled, exhausted, providerStatus, items, invoice, cancelAtPeriodEnd, endedAt } = facts;
  const { invoiceId, status, amountDue, amountPaid, attemptCount, declineCode } = invoice ?? {};
  return {
    ...{ stage, trial, entitled, exhausted, providerStatus, cancelAtPeriodEnd, endedAt },
    items: items.map(({ priceId, quantity, unitAmount }) => ({ priceId, quantity, unitAmount })),
    ...(invoice && { invoice: { invoiceId, status, amountDue, amountPaid, attemptCount, declineCode } }),
  };
}

/** Invoices that are new or have changed, without the links to their pages. */
function newInvoices(record: SubscriptionRecord | undefined, invoices: readonly InvoiceFacts[]): InvoiceFacts[] {
  const known = new Map(record?.invoices.map((one) => [one.invoiceId, one]));
  return invoices.map(withoutPage).filter((one) => !isSame(known.get(one.invoiceId), one));
}

/** Removes the link to an invoice's page, which shows the customer's name; only the notice that needs the link stores it. */
export function withoutPage(invoice: InvoiceFacts): InvoiceFacts {
  const { hostedUrl: _hostedUrl, ...rest } = invoice;
  return rest;
}

function rowOf(
  facts: SubscriptionFacts,
  waiting: Waiting | undefined,
  own: { readonly traceId: string; readonly eventSequence: number },
): Readonly<Record<string, unknown>> {
  return {
    subscription_id: facts.subscriptionId,
    stripe_customer_id: facts.stripeCustomerId,
    provider_status: facts.providerStatus,
    stage: facts.stage,
    stage_since: facts.stageSince ?? facts.fetchedAt,
    trial: facts.trial,
    currency: facts.currency,
    items: facts.items,
    current_period_end: facts.currentPeriodEnd,
    trial_ends_at: facts.trialEndsAt,
    cancel_at_period_end: facts.cancelAtPeriodEnd,
    ended_at: facts.endedAt,
    end_reason: facts.endReason,
    collection_paused: facts.collectionPaused === true,
    has_payment_method: facts.hasPaymentMethod,
    invoice_id: facts.invoice?.invoiceId,
    upcoming_amount: facts.upcomingAmount,
    exhausted: facts.exhausted,
    entitled: facts.entitled,
    time_zone: facts.timeZone,
    waiting_on: waiting?.on,
    waiting_until: waiting?.until,
    waiting_why: waiting?.why,
    fetched_at: facts.fetchedAt,
    event_sequence: own.eventSequence,
    trace_id: own.traceId,
  };
}
