import type Stripe from 'stripe';
import type { SubscriptionSnapshot } from '../../../workflows/domain/subscription/snapshot';
import { isMissing, toFailure, unknownObject, retryLater } from '../errors';
import type { ProviderSession } from '../provider';
import { snapshotOf, type FetchedInvoice } from './mapping';

/** A look covers what changed since the last one: two or three invoices of a busy day, and some to spare. */
const NEWEST_INVOICES = 10;
const PAGE_SIZE = 100;

/** Products four levels down are the deepest that Stripe expands. */
const EXPAND: string[] = ['customer', 'default_payment_method', 'items.data.price.product'];

/**
 * A subscription with everything that its facts are derived from, fetched fresh: two requests where all is well, a third
 * while its newest invoice is being collected or its trial runs.
 *
 * @throws ApplicationFailure `NotFound` for one that the provider does not know
 */
export async function fetchSubscription(
  stripe: Stripe,
  session: ProviderSession,
  subscriptionId: string,
): Promise<SubscriptionSnapshot> {
  // Both at once: a customer may wait for them. Where the first is not known, what became of the second does not matter.
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
    throw retryLater(session.call, 'what answered is not the provider: the body is not this subscription');
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

/** More than the first page of lines is asked for only where prorations may be among them. */
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

/** The PaymentIntent that an invoice is paid with, and its latest charge; undefined where there is none. */
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

/** Was anything ever paid? Where the newest invoices do not say so and there are older ones, those that are paid are asked for. */
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

/** What the end of a running trial will charge; undefined where that is nothing. */
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
    // It ends with the trial after all, or has ended meanwhile.
    if (isNoneUpcoming(error)) return undefined;
    throw toFailure(error, session.call, false);
  }
  if (preview.object !== 'invoice') {
    throw retryLater(session.call, 'what answered is not the provider: the body is no invoice');
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
    throw retryLater(session.call, 'the provider answered with no list');
  }
  return page;
}
