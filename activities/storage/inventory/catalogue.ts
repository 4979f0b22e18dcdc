import type { FieldProblem } from '../../../workflows/domain/shared/errors';

/** A row of catalogue-prices.sql. */
export interface CataloguePrice {
  readonly sku: string;
  readonly currency: string;
  readonly unitAmount: number;
}

/** What is wrong with the lines of a cart: unknown SKUs, wrong prices, another currency, a SKU named twice. */
export function catalogueProblems(
  currency: string,
  lines: readonly { readonly sku: string; readonly unitAmount: number }[],
  prices: readonly CataloguePrice[],
): FieldProblem[] {
  const bySku = new Map(prices.map((price) => [price.sku, price]));
  const seen = new Set<string>();
  return lines.flatMap(({ sku, unitAmount }, index) => {
    const price = bySku.get(sku);
    const repeated = seen.has(sku);
    seen.add(sku);
    if (price === undefined) return [{ field: `lines.${index}.sku`, message: `${sku} is not in the catalogue` }];
    if (repeated)
      return [{ field: `lines.${index}.sku`, message: `${sku} is in the cart twice; send one line for it` }];
    if (price.currency !== currency) {
      return [{ field: `lines.${index}.sku`, message: `${sku} is sold in ${price.currency}, not in ${currency}` }];
    }
    if (price.unitAmount !== unitAmount) {
      const message = `${sku} costs ${price.unitAmount} ${price.currency} in minor units, not ${unitAmount}`;
      return [{ field: `lines.${index}.unitAmount`, message }];
    }
    return [];
  });
}
