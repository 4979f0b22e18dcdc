import type { LineQuantity } from './lines';
import type { OrderFacts } from './order';
import { remainingAmount, shipmentAmount } from './shipment-amount';

type Paid = Pick<OrderFacts, 'amounts' | 'shipments' | 'refunds'>;
type Owing = Paid & Pick<OrderFacts, 'currency' | 'lines' | 'shippingAmount' | 'taxAmount' | 'paymentState'>;

/**
 * Minor units that were taken for what has not shipped, e.g. in the provider's dashboard: they count against what is owed. What
 * went back is taken off, except what went back for pieces that had shipped: the customer had paid for those.
 */
export function paidAhead({ amounts, shipments, refunds = [] }: Paid): number {
  const shipped = shipments.reduce((sum, one) => sum + one.amount, 0);
  const back = amounts.refundPending + amounts.refunded + (amounts.refundedOutside ?? 0) + (amounts.disputed ?? 0);
  const forShipped = refunds
    .filter(({ lines }) => lines !== undefined && lines.every((line) => line.cancelled === undefined))
    .flatMap((refund) => refund.parts)
    .filter((part) => part.status !== 'failed' && part.status !== 'canceled')
    .reduce((sum, part) => sum + part.amount, 0);
  return Math.max(0, amounts.captured - shipped - Math.max(0, back - forShipped));
}

/** What must be captured before these lines may ship, in minor units; 0 where they are paid for. */
export function owedFor(order: Owing, lines: readonly LineQuantity[]): number {
  if (order.paymentState === 'captured') return 0;
  return Math.max(0, shipmentAmount(order, lines) - paidAhead(order));
}

/** What must be held for all that is left to ship, in minor units; 0 where it is paid for. */
export function owedAmount(order: Owing): number {
  if (order.paymentState === 'captured') return 0;
  return Math.max(0, remainingAmount(order) - paidAhead(order));
}
