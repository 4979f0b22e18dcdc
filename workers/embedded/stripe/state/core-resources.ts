import { resumeConsequences } from '../bank/consequences';
import { resumeIntent } from '../payments/intent-expiry';
import {
  deletedCustomer,
  type Charge,
  type Customer,
  type StoredPaymentIntent,
  type StoredPaymentMethod,
} from './model';
import { refundsOf } from '../after-sale/refund-life';
import { defineResource } from '../http/resource';
import { CORE_KINDS, type Resource } from './account';

export const customers: Resource<Customer> = defineResource({
  kind: CORE_KINDS.customers,
  object: 'customer',
  path: 'customers',
  snapshot: 'customers',
  expandable: { default_source: 'never', test_clock: 'test_helpers.test_clock' },
  render: (customer) => (customer.deleted === true ? deletedCustomer(customer.id) : customer),
});

export const paymentMethods = defineResource<StoredPaymentMethod>({
  kind: CORE_KINDS.paymentMethods,
  object: 'payment_method',
  path: 'payment_methods',
  snapshot: 'paymentMethods',
  expandable: { customer: 'customer' },
  render: (method) => method.object,
  indexes: ({ object }) => ({ customer: object.customer }),
});

export const paymentIntents = defineResource<StoredPaymentIntent>({
  kind: CORE_KINDS.paymentIntents,
  object: 'payment_intent',
  path: 'payment_intents',
  snapshot: 'paymentIntents',
  expandable: {
    customer: 'customer',
    latest_charge: 'charge',
    payment_method: 'payment_method',
    application: 'never',
    on_behalf_of: 'never',
    review: 'never',
    source: 'never',
  },
  render: (intent) => intent.object,
  indexes: ({ object }) => ({ customer: object.customer }),
  save: ({ hold: _timer, ...intent }) => intent,
  rearm: resumeIntent,
});

export const charges = defineResource<Charge>({
  kind: CORE_KINDS.charges,
  object: 'charge',
  path: 'charges',
  snapshot: 'charges',
  expandable: {
    customer: 'customer',
    payment_intent: 'payment_intent',
    application: 'never',
    application_fee: 'never',
    balance_transaction: 'balance_transaction',
    failure_balance_transaction: 'never',
    on_behalf_of: 'never',
    review: 'never',
    transfer: 'never',
    refunds: { listOf: 'refund', make: refundsOf },
  },
  rearm: resumeConsequences,
  indexes: ({ payment_intent: intent, customer }) => ({ payment_intent: intent, customer }),
});
