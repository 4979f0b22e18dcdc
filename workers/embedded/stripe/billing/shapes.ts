import {
  boolean,
  either,
  emptyable,
  ignored,
  integer,
  list,
  metadata,
  object,
  oneOf,
  required,
  string,
} from '../http/schema';
import { amount, currency, expand, MAX_AMOUNT, paging } from '../state/shapes';

/** Stripe: the trial period must be 730 days (2 years) or less. */
const MAX_TRIAL_DAYS = 730;
/** Stripe: three years, in the shortest unit. */
const MAX_INTERVAL_COUNT = 1_095;
/** Stripe: up to 20 items a subscription. */
export const MAX_ITEMS = 20;

const timestamp = integer(0, Number.MAX_SAFE_INTEGER);
const quantity = integer(0, MAX_AMOUNT);
const recurring = object({
  interval: required(oneOf('day', 'week', 'month', 'year')),
  interval_count: integer(1, MAX_INTERVAL_COUNT),
  trial_period_days: integer(1, MAX_TRIAL_DAYS),
  usage_type: oneOf('licensed'),
});

const productFields = {
  ...expand,
  active: boolean(),
  images: list(string()),
  metadata: metadata(),
  statement_descriptor: string(22),
};
export const productCreate = {
  ...productFields,
  id: string(255),
  name: required(string()),
  description: string(),
  unit_label: string(12),
  url: string(),
  shippable: boolean(),
};
export const productUpdate = {
  ...productFields,
  name: string(),
  description: emptyable(string()),
  unit_label: emptyable(string(12)),
  url: emptyable(string()),
  shippable: boolean(),
  default_price: string(),
};
export const productList = { ...paging, active: boolean(), ids: list(string()), shippable: boolean(), url: string() };

export const priceCreate = {
  ...expand,
  active: boolean(),
  billing_scheme: oneOf('per_unit'),
  currency: required(currency()),
  lookup_key: string(200),
  metadata: metadata(),
  nickname: string(),
  product: string(),
  product_data: object({
    id: string(255),
    name: required(string()),
    active: boolean(),
    metadata: metadata(),
    statement_descriptor: string(22),
    unit_label: string(12),
  }),
  recurring,
  tax_behavior: oneOf('exclusive', 'inclusive', 'unspecified'),
  transfer_lookup_key: boolean(),
  unit_amount: required(amount(0)),
};
export const priceUpdate = {
  ...expand,
  active: boolean(),
  lookup_key: string(200),
  metadata: metadata(),
  nickname: string(),
  tax_behavior: oneOf('exclusive', 'inclusive', 'unspecified'),
  transfer_lookup_key: boolean(),
};
export const priceList = {
  ...paging,
  active: boolean(),
  currency: currency(),
  lookup_keys: list(string()),
  product: string(),
  recurring: object({ interval: oneOf('day', 'week', 'month', 'year'), usage_type: oneOf('licensed', 'metered') }),
  type: oneOf('one_time', 'recurring'),
};

const prorationBehavior = oneOf('always_invoice', 'create_prorations', 'none');
const paymentBehavior = oneOf('allow_incomplete', 'default_incomplete', 'error_if_incomplete', 'pending_if_incomplete');
const subscriptionFields = {
  ...expand,
  cancel_at_period_end: boolean(),
  collection_method: oneOf('charge_automatically'),
  metadata: metadata(),
  off_session: boolean(),
  payment_behavior: paymentBehavior,
  payment_settings: object({
    payment_method_options: ignored(),
    payment_method_types: emptyable(list(string())),
    save_default_payment_method: oneOf('off', 'on_subscription'),
  }),
  proration_behavior: prorationBehavior,
  trial_end: either(timestamp, oneOf('now')),
  trial_from_plan: boolean(),
  trial_settings: object({
    end_behavior: required(object({ missing_payment_method: required(oneOf('cancel', 'create_invoice', 'pause')) })),
  }),
};
export const subscriptionCreate = {
  ...subscriptionFields,
  billing_mode: object({ type: required(oneOf('classic', 'flexible')), flexible: ignored() }),
  cancel_at: timestamp,
  currency: currency(),
  customer: required(string()),
  default_payment_method: string(),
  description: string(500),
  items: required(list(object({ price: required(string()), quantity, metadata: metadata() }))),
  trial_period_days: integer(1, MAX_TRIAL_DAYS),
};
const cancellationDetails = object({
  comment: emptyable(string()),
  feedback: emptyable(
    oneOf(
      'customer_service',
      'low_quality',
      'missing_features',
      'other',
      'switched_service',
      'too_complex',
      'too_expensive',
      'unused',
    ),
  ),
});
export const subscriptionUpdate = {
  ...subscriptionFields,
  cancel_at: emptyable(timestamp),
  cancellation_details: cancellationDetails,
  default_payment_method: string(),
  description: emptyable(string(500)),
  items: list(object({ id: string(), price: string(), quantity, deleted: boolean(), metadata: metadata() })),
  pause_collection: emptyable(
    object({ behavior: required(oneOf('keep_as_draft', 'mark_uncollectible', 'void')), resumes_at: timestamp }),
  ),
  proration_date: timestamp,
};
export const subscriptionCancel = {
  ...expand,
  cancellation_details: cancellationDetails,
  invoice_now: boolean(),
  prorate: boolean(),
};
export const subscriptionResume = {
  ...expand,
  billing_cycle_anchor: either(oneOf('now'), object({ type: required(oneOf('now')) })),
  payment_behavior: oneOf('resume_on_payment_attempt', 'resume_on_payment_success'),
  proration_behavior: prorationBehavior,
};
const STATUSES = [
  'active',
  'all',
  'canceled',
  'ended',
  'incomplete',
  'incomplete_expired',
  'past_due',
  'paused',
  'trialing',
  'unpaid',
] as const;
export const subscriptionList = {
  ...paging,
  collection_method: oneOf('charge_automatically', 'send_invoice'),
  customer: string(),
  price: string(),
  status: oneOf(...STATUSES),
  test_clock: string(),
};

export const itemUpdate = {
  ...expand,
  metadata: metadata(),
  off_session: boolean(),
  payment_behavior: paymentBehavior,
  price: string(),
  proration_behavior: prorationBehavior,
  proration_date: timestamp,
  quantity,
};
export const itemList = { ...paging, subscription: required(string()) };

export const invoiceList = {
  ...paging,
  collection_method: oneOf('charge_automatically', 'send_invoice'),
  customer: string(),
  status: oneOf('draft', 'open', 'paid', 'uncollectible', 'void'),
  subscription: string(),
};
export const invoiceUpdate = {
  ...expand,
  auto_advance: boolean(),
  default_payment_method: string(),
  description: string(1500),
  metadata: metadata(),
};
export const invoicePay = {
  ...expand,
  forgive: boolean(),
  off_session: boolean(),
  paid_out_of_band: boolean(),
  payment_method: string(),
};
export const invoiceFinalize = { ...expand, auto_advance: boolean() };
export const invoicePreview = {
  ...expand,
  customer: string(),
  subscription: string(),
  subscription_details: object({
    items: list(object({ id: string(), price: string(), quantity, deleted: boolean() })),
    proration_behavior: prorationBehavior,
    proration_date: timestamp,
  }),
};
export const invoicePaymentList = {
  ...paging,
  invoice: string(),
  payment: object({ type: required(oneOf('payment_intent', 'payment_record')), payment_intent: string() }),
  status: oneOf('canceled', 'open', 'paid'),
};

export const testClockCreate = { ...expand, frozen_time: required(timestamp), name: string(300) };
export const testClockAdvance = { ...expand, frozen_time: required(timestamp) };
