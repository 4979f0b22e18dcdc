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

/**
 * The share of `amount` that falls to `part` of `whole`, rounded down to a multiple that the currency allows.
 * 0 where there is no whole. Calculated in bigint: twelve digits times twelve are more than a number holds.
 */
export function shareOf(amount: number, part: number, whole: number, currency: string): number {
  if (whole === 0) return 0;
  const multiple = BigInt(currencyRules(currency).multiple);
  return Number(((BigInt(amount) * BigInt(part)) / (BigInt(whole) * multiple)) * multiple);
}

/** What is wrong with an amount in this currency; undefined where nothing is. Zero is an amount. */
export function amountProblem(amount: number, currency: string): string | undefined {
  const { multiple, maximum } = currencyRules(currency);
  if (amount % multiple !== 0) {
    return `must be a multiple of ${multiple} minor units in ${currency.toUpperCase()}`;
  }
  return amount > maximum ? `must be at most ${maximum} minor units` : undefined;
}

/** What is wrong with the amount of a charge in this currency; undefined where nothing is. A charge of nothing is none. */
export function chargeProblem(amount: number, currency: string): string | undefined {
  const { minimum = 1 } = currencyRules(currency);
  if (amount >= minimum) return amountProblem(amount, currency);
  return `must be at least ${formatMoney({ amount: minimum, currency })}, the smallest card payment in this currency`;
}

/** A person's reading of an amount, e.g. `19.99 EUR`, with the decimals that the currency has. */
export function formatMoney({ amount, currency }: Money): string {
  const { stripeExponent, displayExponent } = currencyRules(currency);
  return `${(amount / 10 ** stripeExponent).toFixed(displayExponent)} ${currency.toUpperCase()}`;
}
