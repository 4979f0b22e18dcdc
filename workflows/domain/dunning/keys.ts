import type { NoticeKind } from '../notice/notices';
import type { SubscriptionFacts, QueuedNotice } from '../subscription/subscription';

/**
 * Identifies a notice among those of an invoice: a number for each failed try, by the provider's count; `last` before the final try;
 * `paid` and `end` after all tries.
 */
export type NoticeSlot = number | 'last' | 'paid' | 'end';

/** The parts of the key of a subscription's notice. */
export type NoticeKey =
  | { readonly invoiceId: string; readonly slot: NoticeSlot; readonly kind: NoticeKind }
  /** Without an invoice: one notice for a date, e.g. a trial's end. */
  | { readonly subscriptionId: string; readonly about: string; readonly kind: NoticeKind };

/** The key of a notice, which is sent only once under it. Ids and dates only. */
export function noticeKey(key: NoticeKey): string {
  return 'invoiceId' in key
    ? `dunning:${key.invoiceId}:${key.slot}:${key.kind}`
    : `subscription:${key.subscriptionId}:${compact(key.about)}:${key.kind}`;
}

/** Parses a key; undefined for the key of another feature's notice. */
export function parseNoticeKey(key: string): NoticeKey | undefined {
  const [what, id, middle, kind, ...rest] = key.split(':');
  if (id === undefined || middle === undefined || kind === undefined || rest.length > 0) return undefined;
  if (what === 'subscription') return { subscriptionId: id, about: middle, kind: kind as NoticeKind };
  if (what !== 'dunning') return undefined;
  if (middle === 'last' || middle === 'paid' || middle === 'end') {
    return { invoiceId: id, slot: middle, kind: kind as NoticeKind };
  }
  return /^\d{1,6}$/.test(middle) ? { invoiceId: id, slot: Number(middle), kind: kind as NoticeKind } : undefined;
}

/** The notices about the current invoice, oldest first. */
export function toldOfInvoice(facts: Pick<SubscriptionFacts, 'told' | 'invoice'>): readonly QueuedNotice[] {
  return facts.told.filter((one) => {
    const key = parseNoticeKey(one.noticeKey);
    return key !== undefined && 'invoiceId' in key && key.invoiceId === facts.invoice?.invoiceId;
  });
}

/** Writes a time without colons, which separate the parts of a key: 20260108T120000Z. */
function compact(text: string): string {
  return text.replace(/\.\d+Z$/, 'Z').replace(/[-:]/g, '');
}
