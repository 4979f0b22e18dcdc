import type Stripe from 'stripe';

type Moved = { readonly amount: number; readonly currency: string };

/**
 * The amount of a balance movement in the currency of its source (a charge, refund or dispute), which is the ledger's currency.
 * If the balance has another currency, the source's whole amount counts as moved: dividing by the exchange rate would leave a
 * cent over, and the rate of the way back differs. Minor units, with the sign of the movement.
 */
export function inCurrencyOf(source: Moved, { amount, currency }: Pick<Stripe.BalanceTransaction, keyof Moved>): Moved {
  if (source.currency === currency) return { amount, currency };
  return { amount: Math.sign(amount) * source.amount, currency: source.currency };
}
