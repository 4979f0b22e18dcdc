import type { LineQuantity, OrderFacts } from './order';
import { remainingLines } from './order';
import type { RefundFacts, RefundLine } from './refund';

type Refunded = Pick<OrderFacts, 'lines' | 'taxAmount' | 'paymentState' | 'refunds'>;

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

/** Pieces of a line that were paid for and not refunded yet, those that have not shipped first. */
export function refundablePieces(
  order: Refunded,
  sku: string,
): { readonly pieces: number; readonly unshipped: number } {
  const line = order.lines.find((one) => one.sku === sku);
  if (line === undefined) return { pieces: 0, unshipped: 0 };
  const named = (order.refunds ?? []).flatMap((refund) =>
    (refund.lines ?? []).filter((one) => one.sku === sku).map((one) => ({ ...one, stands: stands(refund) })),
  );
  // Pieces that a refund took off the order were paid for too, also where their money did not go back in the end.
  const takenOff = named.reduce((sum, one) => sum + (one.cancelled ?? 0), 0);
  const refunded = named.reduce((sum, one) => sum + (one.stands ? one.quantity : 0), 0);
  const unshipped =
    order.paymentState === 'captured' ? (remainingLines(order).find((one) => one.sku === sku)?.quantity ?? 0) : 0;
  return { pieces: line.shipped + unshipped + takenOff - refunded, unshipped };
}

/**
 * What refunding these pieces gives back, in minor units: their price and their share of the tax. By value and rounded like
 * the amounts of shipments (./shipment-amount), and always as the difference to what earlier refunds by lines gave, so that
 * all of them together make exactly the lines' worth, whichever of them failed and were repeated. Shipping is no part of it.
 */
export function linesAmount(order: Refunded, lines: readonly LineQuantity[]): number {
  const earlier = (order.refunds ?? []).filter((refund) => refund.lines !== undefined);
  const pieces = new Map<string, number>();
  for (const line of [...earlier.filter(stands).flatMap((refund) => refund.lines ?? []), ...lines]) {
    pieces.set(line.sku, (pieces.get(line.sku) ?? 0) + line.quantity);
  }
  const given = earlier.reduce((sum, refund) => sum + standingAmount(refund), 0);
  return Math.max(0, worth(order, pieces) - given);
}

function worth(order: Pick<OrderFacts, 'lines' | 'taxAmount'>, pieces: ReadonlyMap<string, number>): number {
  const goods = order.lines.reduce((sum, line) => sum + line.quantity * line.unitAmount, 0);
  const value = order.lines.reduce((sum, line) => sum + (pieces.get(line.sku) ?? 0) * line.unitAmount, 0);
  const isAll = order.lines.every((line) => (pieces.get(line.sku) ?? 0) >= line.quantity);
  const tax = isAll ? order.taxAmount : goods === 0 ? 0 : Math.floor((order.taxAmount * value) / goods);
  return value + tax;
}

/** The lines of a refund with what of them has not shipped: that is taken off the order, so that it never does. */
export function withUnshipped(order: Refunded, lines: readonly LineQuantity[]): RefundLine[] {
  return lines.map(({ sku, quantity }) => {
    const cancelled = Math.min(quantity, refundablePieces(order, sku).unshipped);
    return cancelled === 0 ? { sku, quantity } : { sku, quantity, cancelled };
  });
}
