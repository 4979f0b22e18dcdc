import type Stripe from 'stripe';
import type { Account } from '../state/account';
import { changedFields, snapshotOf } from '../billing/subscriptions/changes';
import { findTestClock } from '../billing/test-clocks';
import { inTimeOf, isGone } from '../billing/time';
import { noSuch } from '../http/errors';
import { listPage } from '../http/lists';
import { mergeMetadata } from '../state/metadata';
import { deletedCustomer, type Customer } from '../state/model';
import { attach, usableMethod } from './payment-methods';
import { route } from '../http/request';
import type { Parsed } from '../http/schema';
import { customerCreate, customerList, customerUpdate, expand } from '../state/shapes';

/** The customer, or Stripe's error: 404 where its id is in the path, 400 where it is in a parameter. */
export function findCustomer(account: Account, id: string, param: string, status: 400 | 404): Customer {
  const customer = account.customers.get(id);
  if (customer === undefined || customer.deleted === true || isGone(account, testClockOf(customer)))
    throw noSuch('customer', id, param, status);
  return customer;
}

/** The test clock that the customer and everything of it lives on. */
export function testClockOf({ test_clock: testClock }: Customer): string | null {
  return typeof testClock === 'string' ? testClock : null;
}

export const customerRoutes = [
  route('POST', '/v1/customers', customerCreate, ({ account, params, cause }) => {
    const { test_clock: testClock, payment_method: methodId, ...fields } = params;
    const clock = testClock === undefined ? undefined : findTestClock(account, testClock, 'test_clock', 400);
    const method = methodId === undefined ? undefined : usableMethod(account, methodId);
    return inTimeOf(account, clock?.id ?? null, () => {
      const customer = newCustomer(account);
      customer.test_clock = clock?.id ?? null;
      applyFields(customer, fields);
      account.customers.add(customer);
      account.log.emit('customer.created', customer, cause);
      if (method !== undefined) attach(account, method, customer.id, cause);
      return customer;
    });
  }),
  route('GET', '/v1/customers/:id', expand, ({ account, ids: [id = ''] }) =>
    account.customers.get(id)?.deleted === true ? deletedCustomer(id) : findCustomer(account, id, 'id', 404),
  ),
  route('POST', '/v1/customers/:id', customerUpdate, ({ account, ids: [id = ''], params, cause }) => {
    const customer = findCustomer(account, id, 'id', 404);
    const before = snapshotOf(customer);
    applyFields(customer, params);
    account.log.emit('customer.updated', customer, cause, changedFields(before, customer));
    return customer;
  }),
  route('GET', '/v1/customers', customerList, ({ account, params }) =>
    listPage(account.customers, params, {
      url: '/v1/customers',
      created: (customer) => customer.created,
      // Those on a test clock are listed only where it is asked for.
      where: (customer) =>
        customer.deleted !== true &&
        (params.email === undefined || customer.email === params.email) &&
        testClockOf(customer) === (params.test_clock ?? null) &&
        !isGone(account, testClockOf(customer)),
      render: (customer) => customer,
    }),
  ),
];

function applyFields(customer: Customer, params: Parsed<typeof customerUpdate>): void {
  const { metadata, address, shipping, invoice_settings: invoiceSettings, ...plain } = params;
  const { description, email, name, phone, preferred_locales: locales, tax_exempt: taxExempt, balance } = plain;
  if (description !== undefined) customer.description = description;
  if (email !== undefined) customer.email = email;
  if (name !== undefined) customer.name = name;
  if (phone !== undefined) customer.phone = phone;
  if (locales !== undefined) customer.preferred_locales = locales;
  if (taxExempt !== undefined) customer.tax_exempt = taxExempt;
  if (balance !== undefined) customer.balance = balance;
  if (address !== undefined) customer.address = address === null ? null : fullAddress(address);
  if (shipping !== undefined) {
    customer.shipping =
      shipping === null
        ? null
        : { name: shipping.name, phone: shipping.phone ?? null, address: fullAddress(shipping.address) };
  }
  if (invoiceSettings?.default_payment_method !== undefined) {
    customer.invoice_settings = {
      ...customer.invoice_settings,
      default_payment_method: invoiceSettings.default_payment_method,
    };
  }
  customer.metadata = mergeMetadata(customer.metadata, metadata);
}

/** An address with every field, as Stripe answers it. */
export function fullAddress(address: { [K in keyof Stripe.Address]?: string | null }): Stripe.Address {
  const { city = null, country = null, line1 = null, line2 = null, postal_code = null, state = null } = address;
  return { city, country, line1, line2, postal_code, state };
}

function newCustomer(account: Account): Customer {
  return {
    id: account.newId('cus', 14),
    object: 'customer',
    address: null,
    balance: 0,
    created: account.clock.nowSeconds(),
    currency: null,
    customer_account: null,
    default_source: null,
    delinquent: false,
    description: null,
    discount: null,
    email: null,
    invoice_prefix: account.newId('inv', 8).slice('inv_'.length).toUpperCase(),
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: false,
    metadata: {},
    name: null,
    next_invoice_sequence: 1,
    phone: null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: null,
  };
}
