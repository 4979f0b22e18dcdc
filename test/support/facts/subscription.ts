import { planNotices } from '../../../workflows/domain/dunning/dunning';
import { noticeKey, parseNoticeKey } from '../../../workflows/domain/dunning/keys';
import { DEFAULT_DUNNING_POLICY } from '../../../workflows/domain/dunning/policy';
import type { NoticeKind } from '../../../workflows/domain/notice/notices';
import type {
  DunningPolicy,
  InvoiceFacts,
  SubscriptionFacts,
  QueuedNotice,
} from '../../../workflows/domain/subscription/subscription';
import type { InvoiceSnapshot, SubscriptionSnapshot } from '../../../workflows/domain/subscription/snapshot';

/** Subscriptions for tests of the pure domain: a monthly plan whose renewal of 1 March is being collected. */

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** The renewal's invoice is made at midnight and first tried an hour later. */
export const INVOICE_MADE_MS = Date.parse('2026-03-01T00:00:00.000Z');
export const FIRST_TRY_MS = INVOICE_MADE_MS + HOUR_MS;

export const at = (ms: number): string => new Date(ms).toISOString();

/** The default policy, in UTC, without quiet hours and margins, so that a table's times are the rules' own. */
export const LOUD_POLICY: DunningPolicy = {
  ...DEFAULT_DUNNING_POLICY,
  finalizationMs: HOUR_MS,
  quietHours: { from: '00:00', to: '00:00' },
};

export function invoiceSnapshot(changes: Partial<InvoiceSnapshot> = {}): InvoiceSnapshot {
  return {
    invoiceId: 'in_1',
    status: 'open',
    billingReason: 'subscription_cycle',
    amountDue: 1_900,
    amountPaid: 0,
    currency: 'eur',
    attemptCount: 1,
    nextAttemptAt: at(FIRST_TRY_MS + DAY_MS),
    createdAt: at(INVOICE_MADE_MS),
    failedAt: at(FIRST_TRY_MS),
    declineCode: 'insufficient_funds',
    prorationAmount: 0,
    ...changes,
  };
}

export function snapshot(changes: Partial<SubscriptionSnapshot> = {}): SubscriptionSnapshot {
  return {
    subscriptionId: 'sub_1',
    stripeCustomerId: 'cus_1',
    providerStatus: 'past_due',
    currency: 'eur',
    items: [
      {
        itemId: 'si_1',
        priceId: 'price_1',
        productName: 'Coffee club',
        unitAmount: 1_900,
        quantity: 1,
        interval: 'month',
        intervalCount: 1,
      },
    ],
    createdAt: '2026-01-01T00:00:00.000Z',
    currentPeriodEnd: '2026-04-01T00:00:00.000Z',
    cancelAtPeriodEnd: false,
    collectionPaused: false,
    hasPaymentMethod: true,
    invoices: [invoiceSnapshot()],
    everPaid: true,
    ...changes,
  };
}

export function invoiceFacts(changes: Partial<InvoiceFacts> = {}): InvoiceFacts {
  return { ...invoiceSnapshot(), declineClass: 'soft', ...changes };
}

/** What differs from the facts of a renewal that has failed once. */
export type FactChanges = {
  readonly [Field in keyof SubscriptionFacts]?: SubscriptionFacts[Field] | undefined;
};

/** Facts of a renewal that has failed once and softly. Undefined leaves a field out. */
export function subscriptionFactsOf(changes: FactChanges = {}): SubscriptionFacts {
  const { items } = snapshot();
  const facts = {
    subscriptionId: 'sub_1',
    stripeCustomerId: 'cus_1',
    providerStatus: 'past_due',
    stage: 'past_due',
    trial: 'never',
    currency: 'eur',
    items,
    currentPeriodEnd: '2026-04-01T00:00:00.000Z',
    cancelAtPeriodEnd: false,
    hasPaymentMethod: true,
    invoice: invoiceFacts(),
    exhausted: false,
    entitled: true,
    timeZone: 'UTC',
    told: [],
    fetchedAt: at(FIRST_TRY_MS),
    ...changes,
  };
  const given = Object.entries(facts).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as unknown as SubscriptionFacts;
}

/** A notice of the invoice that was told. */
export const told = (kind: NoticeKind, slot: number | 'last' | 'end' | 'paid', ms: number): QueuedNotice => ({
  noticeKey: noticeKey({ invoiceId: 'in_1', slot, kind }),
  kind,
  at: at(ms),
});
/** An invoice that no try will pay any more. */
export const hard = (changes: Partial<InvoiceFacts> = {}): InvoiceFacts =>
  invoiceFacts({ declineCode: 'expired_card', declineClass: 'hard', ...changes });
/** One without a next try. */
export const unplanned = (changes: Partial<InvoiceFacts> = {}): InvoiceFacts => {
  const { nextAttemptAt: _, ...rest } = invoiceFacts(changes);
  return rest;
};
/** The try before the final one, which comes `gapMs` later. */
export const seventh = (gapMs: number, changes: Partial<InvoiceFacts> = {}): InvoiceFacts =>
  invoiceFacts({ attemptCount: 7, nextAttemptAt: at(FIRST_TRY_MS + gapMs), ...changes });

/** What is planned, when (hours after the first try), under which slot. */
export type Planned = readonly [kind: NoticeKind, hours: number, slot?: number | string];
export const planOf = (changes: FactChanges, nowMs: number, policy: DunningPolicy = LOUD_POLICY): Planned[] =>
  planNotices(subscriptionFactsOf(changes), nowMs, policy).map((one) => {
    const key = parseNoticeKey(one.noticeKey);
    const slot = key !== undefined && 'slot' in key ? [key.slot] : [];
    return [one.kind, (Date.parse(one.dueAt) - FIRST_TRY_MS) / HOUR_MS, ...slot] as unknown as Planned;
  });
