import type { Account } from '../../state/account';
import { noSuch, StripeApiError } from '../../http/errors';
import { listPage } from '../../http/lists';
import { mergeMetadata } from '../../state/metadata';
import type { RequestCause } from '../../state/model';
import { route } from '../../http/request';
import type { Parsed } from '../../http/schema';
import { expand, paging } from '../../state/shapes';
import { emitChange } from '../subscriptions/changes';
import { collect, defaultMethod, continueSubscription, subscriptionOf, tryLater } from './collect';
import { finalize, finalizeLater } from './make';
import { assertInvoiceMay, markPaid, markUncollectible, stopCollecting, voidInvoice } from './states';
import type { Invoice, StoredInvoice } from '../model';
import { invoicePayments, invoices } from '../resources';
import { invoiceFinalize, invoiceList, invoicePay, invoicePaymentList, invoiceUpdate } from '../shapes';
import { noMethod } from '../subscriptions/create';
import { ownedMethod } from '../subscriptions/params';
import { inTimeOf, isGone } from '../time';

export const invoiceRoutes = [
  route('GET', '/v1/invoices/:id', expand, ({ account, ids: [id = ''] }) => findInvoice(account, id).object),
  route('GET', '/v1/invoices', invoiceList, ({ account, params }) =>
    listPage(account.of(invoices), params, {
      url: '/v1/invoices',
      ...invoiceIndex(params),
      created: ({ object }) => object.created,
      where: ({ object }) => isListed(object, params) && !isGone(account, object.test_clock),
      render: ({ object }) => object,
    }),
  ),
  route(
    'GET',
    '/v1/invoices/:id/lines',
    paging,
    ({ account, ids: [id = ''] }) => findInvoice(account, id).object.lines,
  ),
  route('POST', '/v1/invoices/:id', invoiceUpdate, ({ account, ids: [id = ''], params, cause }) =>
    acting(account, id, (invoice) => update(account, invoice, params, cause)),
  ),
  route('POST', '/v1/invoices/:id/finalize', invoiceFinalize, ({ account, ids: [id = ''], params, cause }) =>
    acting(account, id, (invoice) => {
      if (invoice.object.status !== 'draft') assertInvoiceMay(invoice, 'open');
      if (params.auto_advance !== undefined) invoice.object.auto_advance = params.auto_advance;
      finalize(account, invoice, cause);
      // Otherwise it would never be collected.
      if (isCollectedByItself(invoice.object)) tryLater(account, invoice);
    }),
  ),
  route('POST', '/v1/invoices/:id/pay', invoicePay, ({ account, ids: [id = ''], params, cause }) =>
    acting(account, id, (invoice) => pay(account, invoice, params, cause)),
  ),
  route('POST', '/v1/invoices/:id/void', expand, ({ account, ids: [id = ''], cause }) =>
    acting(account, id, (invoice) => {
      assertInvoiceMay(invoice, 'void');
      voidInvoice(account, invoice, cause);
    }),
  ),
  route('POST', '/v1/invoices/:id/mark_uncollectible', expand, ({ account, ids: [id = ''], cause }) =>
    acting(account, id, (invoice) => {
      assertInvoiceMay(invoice, 'uncollectible');
      markUncollectible(account, invoice, cause);
    }),
  ),
];

export const invoicePaymentRoutes = [
  route('GET', '/v1/invoice_payments/:id', expand, ({ account, ids: [id = ''] }) => {
    const payment = account.of(invoicePayments).get(id);
    if (payment === undefined) throw noSuch('invoice_payment', id, 'invoice_payment', 404);
    return payment;
  }),
  route('GET', '/v1/invoice_payments', invoicePaymentList, ({ account, params }) => {
    const { invoice, payment, status } = params;
    const intent = payment?.payment_intent;
    return listPage(account.of(invoicePayments), params, {
      url: '/v1/invoice_payments',
      ...(intent === undefined ? {} : { index: 'payment_intent', indexValue: intent }),
      ...(invoice === undefined ? {} : { index: 'invoice', indexValue: invoice }),
      created: ({ created }) => created,
      where: (one) =>
        (intent === undefined || one.payment.payment_intent === intent) &&
        (payment === undefined || one.payment.type === payment.type) &&
        (status === undefined || one.status === status),
      render: (one) => one,
    });
  }),
];

function findInvoice(account: Account, id: string): StoredInvoice {
  const invoice = account.of(invoices).get(id);
  if (invoice === undefined || isGone(account, invoice.object.test_clock)) throw noSuch('invoice', id, 'invoice', 404);
  return invoice;
}

function acting(account: Account, id: string, act: (invoice: StoredInvoice) => void): Invoice {
  const invoice = findInvoice(account, id);
  inTimeOf(account, invoice.object.test_clock, () => act(invoice));
  return invoice.object;
}

function invoiceIndex(params: { customer?: string; subscription?: string }): { index?: string; indexValue?: string } {
  if (params.subscription !== undefined) return { index: 'subscription', indexValue: params.subscription };
  return params.customer === undefined ? {} : { index: 'customer', indexValue: params.customer };
}

function isListed(invoice: Invoice, params: Parsed<typeof invoiceList>): boolean {
  const { collection_method: method, customer, status, subscription } = params;
  return (
    (method === undefined || invoice.collection_method === method) &&
    (customer === undefined || invoice.customer === customer) &&
    (status === undefined || invoice.status === status) &&
    (subscription === undefined || invoice.parent?.subscription_details.subscription === subscription)
  );
}

function update(
  account: Account,
  invoice: StoredInvoice,
  params: Parsed<typeof invoiceUpdate>,
  cause: RequestCause,
): void {
  const { object } = invoice;
  const { default_payment_method: methodId, description, metadata, auto_advance: advances } = params;
  const method = methodId === undefined ? undefined : ownedMethod(account, methodId, object.customer);
  if (advances === false) stopCollecting(account, invoice, cause);
  emitChange(account, 'invoice.updated', object, cause, () => {
    if (method !== undefined) object.default_payment_method = method.id;
    if (description !== undefined) object.description = description;
    if (advances === true) object.auto_advance = true;
    if (advances === true && object.status === 'draft' && invoice.due === null) finalizeLater(account, invoice);
    object.metadata = mergeMetadata(object.metadata ?? {}, metadata);
  });
}

/** Pays an invoice now: a draft is finalized first. @throws StripeApiError 402 where the bank refuses */
function pay(account: Account, invoice: StoredInvoice, params: Parsed<typeof invoicePay>, cause: RequestCause): void {
  const { object } = invoice;
  const methodId = params.payment_method;
  if (object.status !== 'draft') assertInvoiceMay(invoice, 'paid');
  if (methodId !== undefined) ownedMethod(account, methodId, object.customer, 'payment_method');
  const subscription = subscriptionOf(account, invoice);
  const own = [object.default_payment_method, subscription?.object.default_payment_method];
  const usable = methodId ?? defaultMethod(account, object.customer, ...own)?.id;
  if (params.paid_out_of_band !== true && object.amount_due > 0 && usable === undefined) throw noMethod();
  if (object.status === 'draft') finalize(account, invoice, cause);
  // An invoice of 0 was paid when it was finalized.
  if (isPaid(object)) return;
  if (params.paid_out_of_band === true) {
    markPaid(account, invoice, cause, true);
    continueSubscription(account, invoice, null, cause);
    return;
  }
  const how = { automatic: false, offSession: params.off_session ?? true, methodId };
  const outcome = collect(account, invoice, how, cause);
  if (outcome.kind === 'failed') throw outcome.error ?? noMethod();
  if (outcome.kind === 'action_required') throw needsCustomer();
}

function isCollectedByItself(invoice: Invoice): boolean {
  return invoice.status === 'open' && invoice.auto_advance === true;
}

function isPaid(invoice: Invoice): boolean {
  return invoice.status === 'paid';
}

function needsCustomer(): Error {
  const message =
    'This payment requires additional user action before it can be completed successfully. Payment can be completed using the PaymentIntent associated with the invoice.';
  return new StripeApiError(402, { type: 'card_error', code: 'invoice_payment_intent_requires_action', message });
}
