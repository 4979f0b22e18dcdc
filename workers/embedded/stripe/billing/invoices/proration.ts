import type { Account } from '../../state/account';
import { productName } from '../catalogue';
import type { PendingItem, SubscriptionItem } from '../model';

/** One item before and after a change; a new item has no `before`, a removed one no `after`. */
export interface ItemChange {
  readonly before: SubscriptionItem | undefined;
  readonly after: SubscriptionItem | undefined;
}

/**
 * The credits and costs of a change within a period: a credit for the unused time of the former items, a cost for the
 * remaining time of the new ones, by the second. Amounts in minor units, credits negative. https://docs.stripe.com/billing/subscriptions/prorations
 */
export function prorations(account: Account, changes: readonly ItemChange[], at: number): PendingItem[] {
  const found: PendingItem[] = [];
  for (const { before, after } of changes) {
    if (before !== undefined) found.push(part(account, before, at, -1));
    if (after !== undefined) found.push(part(account, after, at, 1));
  }
  return found.filter(({ amount }) => amount !== 0);
}

/** The part of an item's price for the rest of its period, rounded to a whole minor unit. */
export function remainingAmount(amount: number, period: { start: number; end: number }, at: number): number {
  const left = Math.min(Math.max(period.end - at, 0), period.end - period.start);
  return Math.round((amount * left) / (period.end - period.start));
}

function part(account: Account, item: SubscriptionItem, at: number, sign: 1 | -1): PendingItem {
  const { price, quantity, current_period_start: start, current_period_end: end } = item;
  const name = `${quantity === 1 ? '' : `${quantity} × `}${productName(account, price.product)}`;
  const date = new Date(at * 1000).toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    timeZone: 'UTC',
  });
  return {
    id: account.newId('ii'),
    itemId: item.id,
    priceId: price.id,
    productId: price.product,
    description: `${sign < 0 ? 'Unused' : 'Remaining'} time on ${name} after ${date}`,
    quantity,
    amount: sign * remainingAmount(price.unit_amount * quantity, { start, end }, at),
    period: { start: at, end },
  };
}
