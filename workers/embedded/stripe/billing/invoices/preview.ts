import type { Account } from '../../state/account';
import { nextBoundary } from '../calendar';
import { newInvoice } from './object';
import { pendingLines, periodLines } from './line-items';
import { listOf, type Invoice, type PendingItem, type StoredSubscription, type SubscriptionItem } from '../model';
import { periodOf, recurringOf } from '../subscriptions/object';

/** The invoice at the start of the next period, as far as it is known now. It is not stored. */
export function preview(
  account: Account,
  subscription: StoredSubscription,
  changed: { items?: SubscriptionItem[]; prorations?: readonly PendingItem[] } = {},
): Invoice {
  const { object, pendingItems } = subscription;
  const { items = object.items.data, prorations = [] } = changed;
  const present = periodOf(object);
  const end = nextBoundary(object.billing_cycle_anchor, recurringOf(object), present.end);
  const next = items.map((item) => ({ ...item, current_period_start: present.end, current_period_end: end }));
  const pending = pendingLines(account, object.id, [...pendingItems, ...prorations], object.currency);
  const lines = [...pending, ...periodLines(account, object.id, next, false)];
  const invoice = newInvoice(account, subscription, {
    reason: 'upcoming',
    lines,
    period: present,
    advance: 'never',
  });
  const id = invoice.id.replace(/^in_/, 'upcoming_in_');
  const listed = invoice.lines.data.map((line) => ({ ...line, invoice: id }));
  return {
    ...invoice,
    id,
    lines: listOf(listed, `/v1/invoices/upcoming/lines?subscription=${object.id}`),
    next_payment_attempt: present.end + Math.ceil(account.billing.now.finalizationDelayMs / 1000),
  };
}
