/**
 * Money: an integer in the currency's minor unit, with its currency. Nothing in Holdfast adds, compares or splits
 * amounts in any other form.
 */
export interface Money {
  /** Minor units (cents, pence, yen), never negative. */
  readonly amount: number;
  /** ISO 4217, lower case, as Stripe writes it. */
  readonly currency: string;
}

/** Stripe refuses amounts of more than eight digits. Source: Stripe API, `amount` of a PaymentIntent. */
export const MAX_AMOUNT = 99_999_999;

/** No order line asks for more pieces than this; a larger number is a mistyped one and would overflow a total. */
export const MAX_QUANTITY = 9_999;

/** More lines than this make one history event too large to be read; marketplaces' own limits are lower. */
export const MAX_LINES = 100;

/** Is this a whole number of minor units that a provider accepts (zero included)? */
export function isAmount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= MAX_AMOUNT;
}

/** Returns `value`; throws RangeError where it is no amount. Asserted where amounts are written and where they are read. */
export function assertAmount(value: number, what: string): number {
  if (!isAmount(value))
    throw new RangeError(`${what} must be a whole number of minor units from 0 to ${MAX_AMOUNT}, not ${value}`);
  return value;
}

/** A person's reading of an amount, e.g. `19.99 EUR`. Zero-decimal currencies are written without a point. */
export function formatMoney(money: Money): string {
  const digits = ZERO_DECIMAL.has(money.currency) ? 0 : 2;
  return `${(money.amount / 10 ** digits).toFixed(digits)} ${money.currency.toUpperCase()}`;
}

/** Currencies whose minor unit is the unit itself. Source: Stripe, "Zero-decimal currencies". */
const ZERO_DECIMAL: ReadonlySet<string> = new Set(
  'bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf'.split(' '),
);
