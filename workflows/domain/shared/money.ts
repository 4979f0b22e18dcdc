import { currencyRules } from './currencies';

/**
 * Money: an integer in the currency's minor unit, with its currency. Nothing in Holdfast adds, compares or splits
 * amounts in any other form.
 */
export interface Money {
  /** The provider's minor units (cents, pence, yen), never negative. */
  readonly amount: number;
  /** ISO 4217, lower case, as Stripe writes it. */
  readonly currency: string;
}

/** The largest amount of any currency: twelve digits. A currency's own limit is in ./currencies. */
export const MAX_AMOUNT = 999_999_999_999;

/** The most pieces of one order line; a larger number is a typing error and could overflow a total. */
export const MAX_QUANTITY = 9_999;

/** The most lines of an order; more would make a history event too large. Marketplaces have lower limits. */
export const MAX_LINES = 100;

/** Is this a whole number of minor units that a provider accepts (zero included)? */
export function isAmount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= MAX_AMOUNT;
}

/** Returns `value`. Called where amounts are written and where they are read. @throws RangeError if it is not an amount */
export function assertAmount(value: number, what: string): number {
  if (!isAmount(value))
    throw new RangeError(`${what} must be a whole number of minor units from 0 to ${MAX_AMOUNT}, not ${value}`);
  return value;
}

/**
 * The share of `amount` that belongs to `part` of `whole`, rounded down to a multiple that the currency allows; 0 if `whole` is 0.
 * Calculated as bigint, because a product of two twelve-digit amounts is too large for a number.
 */
export function shareOf(amount: number, part: number, whole: number, currency: string): number {
  if (whole === 0) return 0;
  const multiple = BigInt(currencyRules(currency).multiple);
  return Number(((BigInt(amount) * BigInt(part)) / (BigInt(whole) * multiple)) * multiple);
}

/** What is wrong with an amount in this currency; undefined if nothing is. Zero is a valid amount. */
export function amountProblem(amount: number, currency: string): string | undefined {
  const { multiple, maximum } = currencyRules(currency);
  if (amount % multiple !== 0) {
    return `must be a multiple of ${multiple} minor units in ${currency.toUpperCase()}`;
  }
  return amount > maximum ? `must be at most ${maximum} minor units` : undefined;
}

/** What is wrong with the amount of a charge in this currency; undefined if nothing is. Zero is not a valid charge. */
export function chargeProblem(amount: number, currency: string): string | undefined {
  const { minimum = 1 } = currencyRules(currency);
  if (amount >= minimum) return amountProblem(amount, currency);
  return `must be at least ${formatMoney({ amount: minimum, currency })}, the smallest card payment in this currency`;
}

/** An amount for people, e.g. `19.99 EUR`, with the decimals of the currency. */
export function formatMoney({ amount, currency }: Money): string {
  const { stripeExponent, displayExponent } = currencyRules(currency);
  return `${(amount / 10 ** stripeExponent).toFixed(displayExponent)} ${currency.toUpperCase()}`;
}
