import type { Account } from '../../state/account';
import { productName } from '../catalogue';
import type { InvoiceLine, PendingItem, SubscriptionItem } from '../model';

/** The lines for a period of these items, in Stripe's order: the newest item last. Amounts in minor units. */
export function periodLines(
  account: Account,
  subscriptionId: string,
  items: readonly SubscriptionItem[],
  trial: boolean,
): InvoiceLine[] {
  return items.map((item) => {
    const { price, quantity } = item;
    const { product, unit_amount: unitAmount } = price;
    const name = productName(account, product);
    return line(account, {
      subscriptionId,
      itemId: item.id,
      invoiceItem: null,
      priceId: price.id,
      productId: product,
      unitAmount: trial ? 0 : unitAmount,
      quantity,
      amount: trial ? 0 : unitAmount * quantity,
      currency: price.currency,
      description: trial ? `Trial period for ${name}` : `${quantity} × ${name} (at ${perPeriod(item)})`,
      period: { start: item.current_period_start, end: item.current_period_end },
    });
  });
}

/** The lines for the costs and credits of changes within a period. */
export function pendingLines(
  account: Account,
  subscriptionId: string,
  pending: readonly PendingItem[],
  currency: string,
): InvoiceLine[] {
  return pending.map((item) =>
    line(account, {
      ...item,
      subscriptionId,
      invoiceItem: item.id,
      unitAmount: item.quantity === 0 ? 0 : Math.round(item.amount / item.quantity),
      currency,
    }),
  );
}

interface LineFields {
  subscriptionId: string;
  itemId: string;
  /** Only prorations have one; lines for whole periods do not. */
  invoiceItem: string | null;
  priceId: string;
  productId: string;
  unitAmount: number;
  quantity: number;
  amount: number;
  currency: string;
  description: string;
  period: { start: number; end: number };
}

function line(account: Account, fields: LineFields): InvoiceLine {
  return {
    id: account.newId('il'),
    object: 'line_item',
    amount: fields.amount,
    currency: fields.currency,
    description: fields.description,
    discount_amounts: [],
    discountable: fields.invoiceItem === null,
    discounts: [],
    // Set when the line joins its invoice.
    invoice: null,
    livemode: false,
    metadata: {},
    parent: {
      invoice_item_details: null,
      subscription_item_details: {
        invoice_item: fields.invoiceItem,
        proration: fields.invoiceItem !== null,
        proration_details: fields.invoiceItem === null ? null : { credited_items: null },
        subscription: fields.subscriptionId,
        subscription_item: fields.itemId,
      },
      type: 'subscription_item_details',
    },
    period: fields.period,
    pretax_credit_amounts: [],
    pricing: {
      price_details: { price: fields.priceId, product: fields.productId },
      type: 'price_details',
      unit_amount_decimal: String(fields.unitAmount),
    },
    quantity: fields.quantity,
    quantity_decimal: String(fields.quantity),
    subscription: fields.subscriptionId,
    subtotal: fields.amount,
    taxes: [],
  };
}

function perPeriod({ price }: SubscriptionItem): string {
  const { interval, interval_count: count } = price.recurring;
  const amount = formatOf(price.currency);
  const digits = amount.resolvedOptions().maximumFractionDigits ?? 2;
  const each = amount.format(price.unit_amount / 10 ** digits);
  return `${each} / ${count === 1 ? interval : `${count} ${interval}s`}`;
}

/** Cached, because creating a format takes longer than the rest of an invoice. */
const FORMATS = new Map<string, Intl.NumberFormat>();

function formatOf(currency: string): Intl.NumberFormat {
  const format = FORMATS.get(currency) ?? new Intl.NumberFormat('en', { style: 'currency', currency });
  FORMATS.set(currency, format);
  return format;
}
