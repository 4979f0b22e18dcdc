import { shareOf } from '../shared/money';
import type { LineQuantity } from '../order/lines';
import type { OrderFacts } from '../order/order';
import { remainingLines } from '../order/order';
import type { RefundFacts, RefundLine } from './refund';

type Refunded = Pick<OrderFacts, 'currency' | 'lines' | 'taxAmount' | 'paymentState' | 'refunds'>;

/**
 * Does a refund by lines count for its pieces? One that failed does not: its pieces may be refunded again. One that a person
 * resolved in another way does, unless it was dismissed.
 */
function counts({ state, resolution }: Pick<RefundFacts, 'state' | 'resolution'>): boolean {
  if (state === 'resolved') return resolution?.action !== 'dismiss';
  return state !== 'failed' && state !== 'canceled';
}

/** Minor units that a refund has paid or will pay. */
function countedAmount(refund: RefundFacts): number {
  if (counts(refund)) return refund.amount;
  const live = refund.parts.filter((part) => part.status !== 'failed' && part.status !== 'canceled');
  return live.reduce((sum, part) => sum + part.amount, 0);
}

/** Pieces of a line that were paid for: shipped, captured but not shipped, or cancelled by a refund. */
export function paidPieces(order: Refunded, sku: string): number {
  const line = order.lines.find((one) => one.sku === sku);
  // They were paid for, even if their refund failed in the end.
  const cancelled = refundedLines(order, sku).reduce((sum, one) => sum + (one.cancelled ?? 0), 0);
  return (line?.shipped ?? 0) + unshippedPieces(order, sku) + cancelled;
}

function unshippedPieces(order: Refunded, sku: string): number {
  if (order.paymentState !== 'captured') return 0;
  return remainingLines(order).find((one) => one.sku === sku)?.quantity ?? 0;
}

function refundedLines(order: Refunded, sku: string): (RefundLine & { readonly counts: boolean })[] {
  return (order.refunds ?? []).flatMap((refund) =>
    (refund.lines ?? []).filter((one) => one.sku === sku).map((one) => ({ ...one, counts: counts(refund) })),
  );
}

/** Pieces of a line that were paid for and not refunded yet, and how many of the paid ones have not shipped. */
export function refundablePieces(
  order: Refunded,
  sku: string,
): { readonly pieces: number; readonly unshipped: number } {
  const refunded = refundedLines(order, sku).reduce((sum, one) => sum + (one.counts ? one.quantity : 0), 0);
  return { pieces: paidPieces(order, sku) - refunded, unshipped: unshippedPieces(order, sku) };
}

/**
 * The amount of a refund of these pieces, in minor units: the price of all paid pieces, less the price of the pieces that the
 * customer keeps. Both are rounded like the amounts of shipments (../order/shipment-amount), so the shop keeps exactly what its
 * parcels cost. What earlier refunds by lines paid is subtracted, so that all of them together make exactly the lines' price, even if
 * some failed and were repeated. Shipping is not included.
 */
export function linesAmount(order: Refunded, lines: readonly LineQuantity[]): number {
  const earlier = (order.refunds ?? []).filter((refund) => refund.lines !== undefined);
  const refunded = new Map<string, number>();
  for (const line of [...earlier.filter(counts).flatMap((refund) => refund.lines ?? []), ...lines]) {
    refunded.set(line.sku, (refunded.get(line.sku) ?? 0) + line.quantity);
  }
  const of = (sku: string): number => refunded.get(sku) ?? 0;
  // Pieces whose capture is under way count as paid: they are refunded only after the capture.
  const paid = (sku: string): number => Math.max(paidPieces(order, sku), of(sku));
  const given = earlier.reduce((sum, refund) => sum + countedAmount(refund), 0);
  return Math.max(0, worth(order, paid) - worth(order, (sku) => paid(sku) - of(sku)) - given);
}

function worth(order: Pick<OrderFacts, 'currency' | 'lines' | 'taxAmount'>, pieces: (sku: string) => number): number {
  const goods = order.lines.reduce((sum, line) => sum + line.quantity * line.unitAmount, 0);
  const value = order.lines.reduce((sum, line) => sum + pieces(line.sku) * line.unitAmount, 0);
  const isAll = order.lines.every((line) => pieces(line.sku) >= line.quantity);
  const tax = isAll ? order.taxAmount : shareOf(order.taxAmount, value, goods, order.currency);
  return value + tax;
}

/** The lines of a refund with the pieces that have not shipped: these are cancelled, so that they never ship. */
export function withUnshipped(order: Refunded, lines: readonly LineQuantity[]): RefundLine[] {
  return lines.map(({ sku, quantity }) => {
    const cancelled = Math.min(quantity, refundablePieces(order, sku).unshipped);
    return cancelled === 0 ? { sku, quantity } : { sku, quantity, cancelled };
  });
}
