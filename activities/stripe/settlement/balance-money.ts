import type Stripe from 'stripe';

/** What money was moved for, as far as its amount goes. */
type Moved = { readonly amount: number; readonly currency: string };

/**
 * A movement of the balance in the currency of what it is for, which is the ledger's. Where the balance has another one, the
 * whole amount of a refund, dispute or charge moves at once: dividing by the exchange rate would leave a cent behind, and the
 * rate of the way back is another one. Minor units, signed as the movement is.
 */
export function inCurrencyOf(source: Moved, { amount, currency }: Pick<Stripe.BalanceTransaction, keyof Moved>): Moved {
  if (source.currency === currency) return { amount, currency };
  return { amount: Math.sign(amount) * source.amount, currency: source.currency };
}
