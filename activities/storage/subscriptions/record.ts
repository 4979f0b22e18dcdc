import type { ExceptionKind } from '../../../workflows/domain/exception/exception';
import type {
  InvoiceFacts,
  SubscriptionFacts,
  SubscriptionItem,
  QueuedNotice,
} from '../../../workflows/domain/subscription/subscription';
import type { SubscriptionChangeView, SubscriptionNoticeView } from '../../../workflows/domain/subscription/view';
import type { Party } from '../../../workflows/domain/shared/waiting';
import { known, utc } from '../postgres/documents';
import type { OpenException } from '../orders/record';

/** A recorded subscription: its facts, and what only storage needs. */
export interface SubscriptionRecord {
  /** Without the links to invoice pages; with the notices. */
  readonly facts: SubscriptionFacts;
  /** Newest first. */
  readonly invoices: readonly InvoiceFacts[];
  readonly changes: readonly SubscriptionChangeView[];
  readonly notices: readonly SubscriptionNoticeView[];
  readonly exceptions: readonly OpenException[];
  readonly waiting: { readonly on: Party; readonly until: string; readonly why: string } | undefined;
  /** The stage that its workflow last saw, and when it looks again. */
  readonly watchedStage: string | undefined;
  readonly wakeAt: string | undefined;
  readonly wakeWhy: string | undefined;
  readonly hintedVersion: number;
  /** Sequence of the last event. */
  readonly eventSequence: number;
  readonly version: number;
  readonly traceId: string;
  readonly recordedAt: string;
}

/** A row of subscription_documents. It is JSON: absent values are null, and times are in Postgres' own notation. */
export interface SubscriptionRow {
  readonly record: SubscriptionDocument;
}

type Nullable<T> = { readonly [K in keyof T]-?: undefined extends T[K] ? Exclude<T[K], undefined> | null : T[K] };

interface SubscriptionDocument extends Omit<Nullable<SubscriptionFacts>, 'invoice' | 'told'> {
  readonly invoiceId: string | null;
  readonly watchedStage: string | null;
  readonly wakeAt: string | null;
  readonly wakeWhy: string | null;
  readonly waitingOn: Party | null;
  readonly waitingUntil: string | null;
  readonly waitingWhy: string | null;
  readonly hintedVersion: number;
  readonly eventSequence: number;
  readonly version: number;
  readonly traceId: string;
  readonly recordedAt: string;
  readonly invoices: readonly Nullable<Omit<InvoiceFacts, 'hostedUrl'>>[] | null;
  readonly changes: readonly ChangeDocument[] | null;
  readonly notices: readonly Nullable<SubscriptionNoticeView>[] | null;
  readonly exceptions: readonly (Omit<OpenException, 'kind'> & { readonly kind: ExceptionKind })[] | null;
}

interface ChangeDocument {
  readonly kind: 'plan' | 'proration';
  readonly before: readonly SubscriptionItem[] | null;
  readonly after: readonly SubscriptionItem[] | null;
  readonly invoiceId: string | null;
  readonly prorationAmount: number | null;
  readonly currency: string;
  readonly occurredAt: string;
}

/** The record in a row of subscription_documents. */
export function subscriptionRecord(row: SubscriptionDocument): SubscriptionRecord {
  const invoices = (row.invoices ?? []).map(invoiceOf);
  const notices = (row.notices ?? []).map(noticeOf);
  const { waitingOn, waitingUntil, waitingWhy } = row;
  return {
    facts: factsOf(row, invoices, notices),
    invoices,
    changes: (row.changes ?? []).map(changeOf),
    notices,
    exceptions: (row.exceptions ?? []).map((one) => ({ ...one, raisedAt: utc(one.raisedAt) })),
    waiting:
      waitingOn === null || waitingUntil === null || waitingWhy === null
        ? undefined
        : { on: waitingOn, until: utc(waitingUntil), why: waitingWhy },
    watchedStage: row.watchedStage ?? undefined,
    wakeAt: row.wakeAt === null ? undefined : utc(row.wakeAt),
    wakeWhy: row.wakeWhy ?? undefined,
    hintedVersion: row.hintedVersion,
    eventSequence: row.eventSequence,
    version: row.version,
    traceId: row.traceId,
    recordedAt: utc(row.recordedAt),
  };
}

function factsOf(
  row: SubscriptionDocument,
  invoices: readonly InvoiceFacts[],
  notices: readonly SubscriptionNoticeView[],
): SubscriptionFacts {
  const times = {
    currentPeriodEnd: row.currentPeriodEnd && utc(row.currentPeriodEnd),
    trialEndsAt: row.trialEndsAt && utc(row.trialEndsAt),
    endedAt: row.endedAt && utc(row.endedAt),
    stageSince: row.stageSince && utc(row.stageSince),
  };
  const { endReason, collectionPaused, upcomingAmount } = row;
  const invoice = invoices.find((one) => one.invoiceId === row.invoiceId);
  return {
    subscriptionId: row.subscriptionId,
    stripeCustomerId: row.stripeCustomerId,
    providerStatus: row.providerStatus,
    stage: row.stage,
    trial: row.trial,
    currency: row.currency,
    items: row.items,
    ...known({ ...times, endReason, collectionPaused, upcomingAmount, invoice }),
    cancelAtPeriodEnd: row.cancelAtPeriodEnd,
    hasPaymentMethod: row.hasPaymentMethod,
    exhausted: row.exhausted,
    entitled: row.entitled,
    timeZone: row.timeZone,
    told: toldNotices(notices),
    fetchedAt: utc(row.fetchedAt),
  };
}

/** Notices that were sent or will be: cancelled and expired ones are left out. */
export function toldNotices(notices: readonly SubscriptionNoticeView[]): QueuedNotice[] {
  return notices
    .filter((one) => one.status !== 'canceled' && one.status !== 'expired')
    .map(({ noticeKey, kind, dueAt }) => ({ noticeKey, kind, at: dueAt }));
}

function invoiceOf(row: Nullable<Omit<InvoiceFacts, 'hostedUrl'>>): InvoiceFacts {
  const { nextAttemptAt, createdAt, failedAt, declineCode, declineClass, ...rest } = row;
  const times = { nextAttemptAt: nextAttemptAt && utc(nextAttemptAt), failedAt: failedAt && utc(failedAt) };
  return { ...rest, createdAt: utc(createdAt), ...known({ ...times, declineCode, declineClass }) };
}

function noticeOf(row: Nullable<SubscriptionNoticeView>): SubscriptionNoticeView {
  const { sentAt, dueAt, ...rest } = row;
  return { ...rest, dueAt: utc(dueAt), ...known({ sentAt: sentAt && utc(sentAt) }) };
}

function changeOf(row: ChangeDocument): SubscriptionChangeView {
  const occurredAt = utc(row.occurredAt);
  if (row.kind === 'plan') return { kind: 'plan', before: row.before ?? [], after: row.after ?? [], occurredAt };
  const { invoiceId, prorationAmount, currency } = row;
  return {
    kind: 'proration',
    invoiceId: invoiceId ?? '',
    prorationAmount: prorationAmount ?? 0,
    currency,
    occurredAt,
  };
}
