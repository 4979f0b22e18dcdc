import type Stripe from 'stripe';
import type { SubscriptionSnapshot } from '../../../workflows/domain/subscription/snapshot';
import { isMissing, toFailure, unknownObject, retryLater } from '../errors';
import type { ProviderSession } from '../provider';
import { snapshotOf, type FetchedInvoice } from './mapping';

/** Covers the changes since the last look: two or three invoices on a busy day, and some to spare. */
const NEWEST_INVOICES = 10;
const PAGE_SIZE = 100;

/** Stripe expands at most four levels; products are at the fourth. */
const EXPAND: string[] = ['customer', 'default_payment_method', 'items.data.price.product'];

/**
 * Fetches a subscription with everything that its facts are derived from: two requests usually, a third while its newest invoice
 * is being collected or its trial runs.
 *
 * @throws ApplicationFailure `NotFound` if the provider does not know it
 */
export async function fetchSubscription(
  stripe: Stripe,
  session: ProviderSession,
  subscriptionId: string,
): Promise<SubscriptionSnapshot> {
  // Both requests run at once, because a customer may be waiting. If the subscription is unknown, the other result does not matter.
  const listed = invoicesOf(stripe, session, { subscription: subscriptionId });
  listed.catch(() => undefined);
  const subscription = await retrieve(stripe, session, subscriptionId);
  const page = await listed;
  const invoices: FetchedInvoice[] = [];
  for (const invoice of page.data) {
    const isRefused = invoice.status === 'open' && invoice.attempt_count > 0;
    const intent = isRefused ? await paymentOf(stripe, session, invoice.id) : undefined;
    invoices.push({ invoice, lines: await linesOf(stripe, session, invoice), intent });
  }
  return snapshotOf({
    subscription,
    items: await itemsOf(stripe, session, subscription),
    invoices,
    everPaid: await everPaid(stripe, session, subscriptionId, page),
    upcomingAmount: await upcomingAmount(stripe, session, subscription),
  });
}

async function retrieve(stripe: Stripe, session: ProviderSession, id: string): Promise<Stripe.Subscription> {
  let answer;
  try {
    answer = await session.write('subscriptions.retrieve', () => stripe.subscriptions.retrieve(id, { expand: EXPAND }));
  } catch (error) {
    throw isMissing(error) ? unknownObject(session.call, `subscription ${id}`) : toFailure(error, session.call, false);
  }
  if (answer.object !== 'subscription' || answer.id !== id) {
    throw retryLater(session.call, 'the answer is not the provider’s: the body is not this subscription');
  }
  return answer;
}

async function invoicesOf(
  stripe: Stripe,
  session: ProviderSession,
  filter: Stripe.InvoiceListParams,
): Promise<Stripe.ApiList<Stripe.Invoice>> {
  const params = { ...filter, limit: NEWEST_INVOICES };
  return list(session, 'invoices.list', () => stripe.invoices.list(params));
}

/** An invoice contains its first page of lines; more are fetched only if there are more. */
async function linesOf(
  stripe: Stripe,
  session: ProviderSession,
  invoice: Stripe.Invoice,
): Promise<readonly Stripe.InvoiceLineItem[]> {
  if (!invoice.lines.has_more) return invoice.lines.data;
  const request = () => stripe.invoices.listLineItems(invoice.id, { limit: PAGE_SIZE });
  return (await list(session, 'invoices.list_lines', request)).data;
}

async function itemsOf(
  stripe: Stripe,
  session: ProviderSession,
  { id, items }: Stripe.Subscription,
): Promise<readonly Stripe.SubscriptionItem[]> {
  if (!items.has_more) return items.data;
  const params = { subscription: id, limit: PAGE_SIZE, expand: ['data.price.product'] };
  return (await list(session, 'subscription_items.list', () => stripe.subscriptionItems.list(params))).data;
}

/** The PaymentIntent of an invoice, with its latest charge; undefined if there is none. */
export async function paymentOf(
  stripe: Stripe,
  session: ProviderSession,
  invoiceId: string,
): Promise<Stripe.PaymentIntent | undefined> {
  const params = { invoice: invoiceId, limit: PAGE_SIZE, expand: ['data.payment.payment_intent.latest_charge'] };
  const page = await list(session, 'invoice_payments.list', () => stripe.invoicePayments.list(params));
  const payment = page.data.find((one) => one.is_default) ?? page.data.at(-1);
  const intent = payment?.payment.payment_intent;
  return typeof intent === 'object' && intent !== null ? intent : undefined;
}

/** Was anything ever paid? If none of the newest invoices was and there are older ones, the paid ones are listed. */
async function everPaid(
  stripe: Stripe,
  session: ProviderSession,
  subscription: string,
  newest: Stripe.ApiList<Stripe.Invoice>,
): Promise<boolean> {
  const isPaid = (invoice: Stripe.Invoice): boolean => invoice.amount_paid > 0;
  if (newest.data.some(isPaid) || !newest.has_more) return newest.data.some(isPaid);
  return (await invoicesOf(stripe, session, { subscription, status: 'paid' })).data.some(isPaid);
}

/** What the end of a running trial will charge; undefined if nothing. */
async function upcomingAmount(
  stripe: Stripe,
  session: ProviderSession,
  { id, status, cancel_at_period_end: ends }: Stripe.Subscription,
): Promise<number | undefined> {
  if (status !== 'trialing' || ends) return undefined;
  let preview;
  try {
    const params = { subscription: id };
    preview = await session.write('invoices.create_preview', () => stripe.invoices.createPreview(params));
  } catch (error) {
    // The subscription ends with the trial, or has ended meanwhile.
    if (isNoneUpcoming(error)) return undefined;
    throw toFailure(error, session.call, false);
  }
  if (preview.object !== 'invoice') {
    throw retryLater(session.call, 'the answer is not the provider’s: the body is not an invoice');
  }
  return preview.amount_due > 0 ? preview.amount_due : undefined;
}

function isNoneUpcoming(error: unknown): boolean {
  return (error as { code?: string }).code === 'invoice_upcoming_none';
}

async function list<T>(
  session: ProviderSession,
  endpoint: string,
  request: () => Promise<Stripe.ApiList<T>>,
): Promise<Stripe.ApiList<T>> {
  const page = await session.read(endpoint, request);
  if (page.object !== 'list' || !Array.isArray(page.data)) {
    throw retryLater(session.call, 'the provider’s answer is not a list');
  }
  return page;
}
