import type { Account, Resource, Stored } from '../state/account';
import type { Route } from '../http/request';
import { priceRoutes, productRoutes } from './catalogue';
import { armCollection } from './invoices/collect';
import { armFinalization } from './invoices/make';
import { invoicePaymentRoutes, invoiceRoutes } from './invoices/routes';
import type { StoredInvoice, StoredSubscription } from './model';
import { invoicePayments, invoices, prices, products, subscriptions, testClocks } from './resources';
import { armSubscription } from './subscriptions/cycle';
import { previewRoutes, subscriptionItemRoutes, subscriptionRoutes } from './subscriptions/routes';
import { resumeTestClock, testClockRoutes } from './test-clocks';

const resumingSubscriptions: Resource<StoredSubscription> = { ...subscriptions, rearm: armSubscription };
const resumingInvoices: Resource<StoredInvoice> = { ...invoices, rearm: resumeInvoice };

/** The kinds of objects of Stripe Billing, with their timers. Subscriptions come first, as their changes make invoices. */
export const BILLING_RESOURCES: readonly Resource<Stored>[] = [
  products,
  prices,
  resumingSubscriptions,
  resumingInvoices,
  invoicePayments,
  { ...testClocks, rearm: resumeTestClock } satisfies typeof testClocks,
];

export const billingRoutes: readonly Route[] = [
  ...productRoutes,
  ...priceRoutes,
  ...subscriptionRoutes,
  ...subscriptionItemRoutes,
  ...previewRoutes,
  ...invoiceRoutes,
  ...invoicePaymentRoutes,
  ...testClockRoutes,
];

/** Sets an invoice's timer again, and the address of its hosted page, because this process may have a new port. */
function resumeInvoice(account: Account, invoice: StoredInvoice): void {
  const { object } = invoice;
  object.hosted_invoice_url =
    object.hosted_invoice_url?.replace(/^http:\/\/[^/]+(?=\/_simulator\/)/, account.baseUrl()) ?? null;
  armFinalization(account, invoice);
  armCollection(account, invoice);
}

export { watchPayments } from './invoices/collect';
