/** A line with too little stock, and how many pieces are available. */
export interface Shortage {
  readonly sku: string;
  readonly available: number;
}

/** A quantity of one SKU, in a shipment or a reservation. */
export interface LineQuantity {
  readonly sku: string;
  readonly quantity: number;
}

/** One line of a cart. `unitAmount` in minor units of the cart's currency. */
export interface CartLine extends LineQuantity {
  readonly unitAmount: number;
}

/** A line of an order with its shipped and cancelled pieces; shipped + cancelled never exceeds quantity. */
export interface OrderLine extends CartLine {
  readonly shipped: number;
  readonly cancelled: number;
}

/** Do both lists have the same quantities, in any order? */
export function sameLines(one: readonly LineQuantity[], other: readonly LineQuantity[]): boolean {
  const written = (lines: readonly LineQuantity[]): string =>
    lines
      .map((line) => JSON.stringify([line.sku, line.quantity]))
      .sort()
      .join();
  return written(one) === written(other);
}
