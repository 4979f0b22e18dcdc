import type { Money } from '../shared/money';
import type { DunningPolicy, InvoiceFacts, SubscriptionFacts } from '../subscription/subscription';

/* The data of notices about subscriptions: ids, amounts, dates and links; no personal data. */

/**
 * Decline reasons that are not shown to the customer: the holder of a stolen card would learn that the theft is known. Source: Stripe,
 * "Decline codes": to be shown as a generic decline.
 */
const NOT_FOR_THE_CUSTOMER: ReadonlySet<string> = new Set(
  'fraudulent highest_risk_level lost_card merchant_blacklist pickup_card stolen_card'.split(' '),
);

interface FailedPayment {
  readonly amount: Money;
  readonly productName: string;
  readonly declineCode?: string;
  readonly payLink?: string;
}

/** The data of every notice about a failed payment: what is owed, for which product, and where to pay. */
export function failedPayment(facts: SubscriptionFacts, invoice: InvoiceFacts, policy: DunningPolicy): FailedPayment {
  const payLink = shopLink(facts, policy) ?? invoice.hostedUrl;
  const { declineCode } = invoice;
  const isShown = declineCode !== undefined && !NOT_FOR_THE_CUSTOMER.has(declineCode);
  return {
    amount: { amount: owed(invoice), currency: invoice.currency },
    productName: productName(facts),
    ...(isShown && { declineCode }),
    ...(payLink !== undefined && { payLink }),
  };
}

/** What is left to pay of an invoice, in minor units. */
export function owed(invoice: Pick<InvoiceFacts, 'amountDue' | 'amountPaid'>): number {
  return Math.max(0, invoice.amountDue - invoice.amountPaid);
}

/** The names of the subscribed products. */
export function productName(facts: Pick<SubscriptionFacts, 'items'>): string {
  const names = [...new Set(facts.items.map((item) => item.productName))].filter((name) => name !== '');
  return names.length === 0 ? 'Subscription' : names.join(', ');
}

/** The shop's own page for this subscription. */
export function shopLink(facts: Pick<SubscriptionFacts, 'subscriptionId'>, policy: DunningPolicy): string | undefined {
  return policy.payLink?.replaceAll('{subscriptionId}', encodeURIComponent(facts.subscriptionId));
}
