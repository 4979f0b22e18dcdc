import { shareOf } from '../shared/money';
import type { LineQuantity } from '../order/lines';
import type { OrderFacts } from '../order/order';
import { remainingLines } from '../order/order';
import type { RefundFacts, RefundLine } from './refund';

type Refunded = Pick<OrderFacts, 'currency' | 'lines' | 'taxAmount' | 'paymentState' | 'refunds'>;

/**
 * Does a refund by lines stand for its pieces? One that failed does not: they may be refunded again. One that a person
 * settled in another way does, unless it was dismissed.
 */
function stands({ state, resolution }: Pick<RefundFacts, 'state' | 'resolution'>): boolean {
  if (state === 'resolved') return resolution?.action !== 'dismiss';
  return state !== 'failed' && state !== 'canceled';
}

/** Minor units that a refund gives back or has given back. */
function standingAmount(refund: RefundFacts): number {
  if (stands(refund)) return refund.amount;
  const live = refund.parts.filter((part) => part.status !== 'failed' && part.status !== 'canceled');
  return live.reduce((sum, part) => sum + part.amount, 0);
}

/** Pieces of a line that were paid for: shipped, to be shipped with their money taken, or taken off the order by a refund. */
export function paidPieces(order: Refunded, sku: string): number {
  const line = order.lines.find((one) => one.sku === sku);
  // They were paid for, also where their money did not go back in the end.
  const takenOff = refundedLines(order, sku).reduce((sum, one) => sum + (one.cancelled ?? 0), 0);
  return (line?.shipped ?? 0) + unshippedPieces(order, sku) + takenOff;
}

function unshippedPieces(order: Refunded, sku: string): number {
  if (order.paymentState !== 'captured') return 0;
  return remainingLines(order).find((one) => one.sku === sku)?.quantity ?? 0;
}

function refundedLines(order: Refunded, sku: string): (RefundLine & { readonly stands: boolean })[] {
  return (order.refunds ?? []).flatMap((refund) =>
    (refund.lines ?? []).filter((one) => one.sku === sku).map((one) => ({ ...one, stands: stands(refund) })),
  );
}

/** Pieces of a line that were paid for and not refunded yet, and how many of the paid ones have not shipped. */
export function refundablePieces(
  order: Refunded,
  sku: string,
): { readonly pieces: number; readonly unshipped: number } {
  const refunded = refundedLines(order, sku).reduce((sum, one) => sum + (one.stands ? one.quantity : 0), 0);
  return { pieces: paidPieces(order, sku) - refunded, unshipped: unshippedPieces(order, sku) };
}

/**
 * What refunding these pieces gives back, in minor units: what all that was paid for costs, less what the pieces that stay cost.
 * Both are rounded like the amounts of shipments (./shipment-amount), so what the shop keeps is exactly what its parcels cost.
 * Always as the difference to what earlier refunds by lines gave, so that all of them together make exactly the lines' worth,
 * whichever of them failed and were repeated. Shipping is no part of it.
 */
export function linesAmount(order: Refunded, lines: readonly LineQuantity[]): number {
  const earlier = (order.refunds ?? []).filter((refund) => refund.lines !== undefined);
  const refunded = new Map<string, number>();
  for (const line of [...earlier.filter(stands).flatMap((refund) => refund.lines ?? []), ...lines]) {
    refunded.set(line.sku, (refunded.get(line.sku) ?? 0) + line.quantity);
  }
  const of = (sku: string): number => refunded.get(sku) ?? 0;
  // Pieces whose capture is awaited count as paid for: they are refunded only once they are.
  const paid = (sku: string): number => Math.max(paidPieces(order, sku), of(sku));
  const given = earlier.reduce((sum, refund) => sum + standingAmount(refund), 0);
  return Math.max(0, worth(order, paid) - worth(order, (sku) => paid(sku) - of(sku)) - given);
}

function worth(order: Pick<OrderFacts, 'currency' | 'lines' | 'taxAmount'>, pieces: (sku: string) => number): number {
  const goods = order.lines.reduce((sum, line) => sum + line.quantity * line.unitAmount, 0);
  const value = order.lines.reduce((sum, line) => sum + pieces(line.sku) * line.unitAmount, 0);
  const isAll = order.lines.every((line) => pieces(line.sku) >= line.quantity);
  const tax = isAll ? order.taxAmount : shareOf(order.taxAmount, value, goods, order.currency);
  return value + tax;
}

/** The lines of a refund with what of them has not shipped: that is taken off the order, so that it never does. */
export function withUnshipped(order: Refunded, lines: readonly LineQuantity[]): RefundLine[] {
  return lines.map(({ sku, quantity }) => {
    const cancelled = Math.min(quantity, refundablePieces(order, sku).unshipped);
    return cancelled === 0 ? { sku, quantity } : { sku, quantity, cancelled };
  });
}
