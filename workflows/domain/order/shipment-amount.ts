import { assertAmount, shareOf } from '../shared/money';
import type { LineQuantity } from './lines';
import type { OrderFacts } from './order';

type Priced = Pick<OrderFacts, 'currency' | 'lines' | 'shippingAmount' | 'taxAmount' | 'shipments'>;

/**
 * The price of a shipment of these lines, in minor units: its goods, its share of the tax (by value, rounded to what the currency
 * allows, so that all shipments add up to exactly the order's tax), and for the first shipment the shipping cost.
 */
export function shipmentAmount(order: Priced, lines: readonly LineQuantity[]): number {
  const prices = new Map(order.lines.map((line) => [line.sku, line.unitAmount]));
  const worth = (quantities: readonly LineQuantity[]): number =>
    quantities.reduce((sum, line) => sum + line.quantity * (prices.get(line.sku) ?? 0), 0);
  const goods = worth(order.lines);
  const before = worth(order.lines.map((line) => ({ sku: line.sku, quantity: line.shipped })));
  const now = worth(lines);
  const taxUpTo = (value: number, all: boolean): number =>
    all ? order.taxAmount : shareOf(order.taxAmount, value, goods, order.currency);
  const piecesBefore = order.lines.reduce((sum, line) => sum + line.shipped, 0);
  const pieces = order.lines.reduce((sum, line) => sum + line.quantity, 0);
  const piecesNow = lines.reduce((sum, line) => sum + line.quantity, 0);
  const tax = taxUpTo(before + now, piecesBefore + piecesNow === pieces) - taxUpTo(before, piecesBefore === pieces);
  const shipping = piecesBefore === 0 ? order.shippingAmount : 0;
  return assertAmount(now + tax + shipping, 'shipment amount');
}

/** The price of all lines that are neither shipped nor cancelled, in minor units. */
export function remainingAmount(order: Priced): number {
  return shipmentAmount(
    order,
    order.lines.map((line) => ({ sku: line.sku, quantity: line.quantity - line.shipped - line.cancelled })),
  );
}

/** The total of a cart, in minor units. */
export function cartTotal(cart: {
  readonly lines: readonly { readonly quantity: number; readonly unitAmount: number }[];
  readonly shippingAmount: number;
  readonly taxAmount: number;
}): number {
  return (
    cart.lines.reduce((sum, line) => sum + line.quantity * line.unitAmount, 0) + cart.shippingAmount + cart.taxAmount
  );
}
