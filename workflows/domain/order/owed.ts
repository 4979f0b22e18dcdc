import type { LineQuantity } from './lines';
import type { OrderFacts } from './order';
import { remainingAmount, shipmentAmount } from './shipment-amount';

type Paid = Pick<OrderFacts, 'amounts' | 'shipments' | 'refunds'>;
type Owing = Paid & Pick<OrderFacts, 'currency' | 'lines' | 'shippingAmount' | 'taxAmount' | 'paymentState'>;

/**
 * Minor units captured for lines that have not shipped, e.g. in the provider's dashboard; they reduce what is owed. Refunds are
 * subtracted, except those for shipped pieces, because these had been paid.
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

/** What must be captured before these lines may ship, in minor units; 0 if they are paid. */
export function owedFor(order: Owing, lines: readonly LineQuantity[]): number {
  if (order.paymentState === 'captured') return 0;
  return Math.max(0, shipmentAmount(order, lines) - paidAhead(order));
}

/** What must be held for everything that is left to ship, in minor units; 0 if it is paid. */
export function owedAmount(order: Owing): number {
  if (order.paymentState === 'captured') return 0;
  return Math.max(0, remainingAmount(order) - paidAhead(order));
}
