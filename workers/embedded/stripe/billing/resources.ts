import type { Account } from '../state/account';
import { defineResource } from '../http/resource';
import {
  listOf,
  type InvoicePayment,
  type Price,
  type Product,
  type StoredInvoice,
  type StoredSubscription,
  type StoredTestClock,
} from './model';

// index.ts sets their timers again, because the timers' code imports these declarations.
export const products = defineResource<Product>({
  kind: 'product',
  object: 'product',
  path: 'products',
  snapshot: 'products',
  expandable: { default_price: 'price', tax_code: 'never' },
});

export const prices = defineResource<Price>({
  kind: 'price',
  object: 'price',
  path: 'prices',
  snapshot: 'prices',
  expandable: { product: 'product', tiers: 'never', currency_options: 'never' },
  indexes: ({ product }) => ({ product }),
});

const item = { price: { fields: { product: 'product' } } };

export const subscriptions = defineResource<StoredSubscription>({
  kind: 'subscription',
  object: 'subscription',
  path: 'subscriptions',
  snapshot: 'subscriptions',
  expandable: {
    customer: 'customer',
    default_payment_method: 'payment_method',
    default_source: 'never',
    items: { fields: { data: { fields: item } } },
    latest_invoice: 'invoice',
    pending_setup_intent: 'never',
    schedule: 'never',
    test_clock: 'test_helpers.test_clock',
  },
  render: ({ object }) => object,
  indexes: ({ object }) => ({ customer: object.customer, test_clock: object.test_clock }),
  save: ({ timer: _timer, ...kept }) => kept,
});

export const invoices = defineResource<StoredInvoice>({
  kind: 'invoice',
  object: 'invoice',
  path: 'invoices',
  snapshot: 'invoices',
  expandable: {
    confirmation_secret: { listOf: 'confirmation_secret', make: confirmationSecret },
    customer: 'customer',
    default_payment_method: 'payment_method',
    default_source: 'never',
    parent: { fields: { subscription_details: { fields: { subscription: 'subscription' } } } },
    payments: { listOf: 'invoice_payment', make: paymentsOf },
    test_clock: 'test_helpers.test_clock',
  },
  render: ({ object }) => object,
  indexes: ({ object }) => ({
    customer: object.customer,
    subscription: object.parent?.subscription_details.subscription,
  }),
  save: ({ timer: _timer, ...kept }) => kept,
});

export const invoicePayments = defineResource<InvoicePayment>({
  kind: 'invoice_payment',
  object: 'invoice_payment',
  path: 'invoice_payments',
  snapshot: 'invoicePayments',
  expandable: { invoice: 'invoice', payment: { fields: { payment_intent: 'payment_intent' } } },
  indexes: ({ invoice, payment }) => ({ invoice, payment_intent: payment.payment_intent }),
});

export const testClocks = defineResource<StoredTestClock>({
  kind: 'test_clock',
  object: 'test_helpers.test_clock',
  path: 'test_clocks',
  snapshot: 'testClocks',
  render: ({ object }) => object,
});

function paymentsOf(account: Account, invoiceId: string): object {
  return listOf(account.of(invoicePayments).filed('invoice', invoiceId), `/v1/invoices/${invoiceId}/payments`);
}

/** For the page on which the customer pays; null if there is nothing to pay. */
function confirmationSecret(account: Account, invoiceId: string): object | null {
  const [payment] = account.of(invoicePayments).filed('invoice', invoiceId);
  const intent = account.paymentIntents.get(payment?.payment.payment_intent ?? '');
  return intent === undefined ? null : { client_secret: intent.object.client_secret, type: 'payment_intent' };
}
