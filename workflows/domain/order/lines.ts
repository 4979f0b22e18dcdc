/** The first line that cannot be had, and how many pieces of it can. */
export interface Shortage {
  readonly sku: string;
  readonly available: number;
}

/** Quantities of stock keeping units, as a shipment or a reservation names them. */
export interface LineQuantity {
  readonly sku: string;
  readonly quantity: number;
}

/** One line of a cart. `unitAmount` in minor units of the cart's currency. */
export interface CartLine extends LineQuantity {
  readonly unitAmount: number;
}

/** A line of an order with what became of it; shipped + cancelled never exceeds quantity. */
export interface OrderLine extends CartLine {
  readonly shipped: number;
  readonly cancelled: number;
}

/** The same quantities, in whatever order. */
export function sameLines(one: readonly LineQuantity[], other: readonly LineQuantity[]): boolean {
  const written = (lines: readonly LineQuantity[]): string =>
    lines
      .map((line) => JSON.stringify([line.sku, line.quantity]))
      .sort()
      .join();
  return written(one) === written(other);
}
