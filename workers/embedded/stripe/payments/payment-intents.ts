import type Stripe from 'stripe';
import type { Account } from '../state/account';
import { findCustomer, fullAddress } from './customers';
import { invalidParameter, noSuch } from '../http/errors';
import { confirm, prepareConfirmation, type ConfirmParams } from './intent-confirm';
import { searchIntents } from './intent-search';
import { cancel, capture } from './intent-capture-cancel';
import { assertEditable, missingPaymentMethod, moveTo } from './intent-states';
import { listPage } from '../http/lists';
import { mergeMetadata } from '../state/metadata';
import type { PaymentIntent, RequestCause, StoredPaymentIntent } from '../state/model';
import { usableMethod } from './payment-methods';
import { route } from '../http/request';
import type { Parsed } from '../http/schema';
import {
  expand,
  intentCancel,
  intentCapture,
  intentConfirm,
  intentCreate,
  intentList,
  intentSearch,
  intentUpdate,
} from '../state/shapes';

/**
 * The smallest charge in minor units. Stripe judges it in the settlement currency; here the two are the same.
 * https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
 */
const MINIMUM_AMOUNT: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    'usd ars aud brl cad chf cop eur idr ils inr nzd php rub sgd zar'.split(' ').map((one) => [one, 50]),
  ),
  ...Object.fromEntries('aed myr pln ron'.split(' ').map((one) => [one, 200])),
  ...{
    czk: 1_500,
    dkk: 250,
    gbp: 30,
    hkd: 400,
    huf: 17_500,
    jpy: 50,
    krw: 50,
    mxn: 1_000,
    nok: 300,
    sek: 300,
    thb: 1_000,
  },
};

export const paymentIntentRoutes = [
  route('POST', '/v1/payment_intents', intentCreate, ({ account, params, cause }) => {
    assertMinimum(account, params.amount, params.currency);
    if (params.customer !== undefined) findCustomer(account, params.customer, 'customer', 400);
    assertConfirmOnly(params);
    const intent = newIntent(account, params);
    const { object } = intent;
    if (params.confirm === true && params.payment_method === undefined) throw missingPaymentMethod();
    const method = params.payment_method === undefined ? undefined : usableMethod(account, params.payment_method);
    if (method !== undefined) object.payment_method = method.id;
    const charged =
      params.confirm === true ? prepareConfirmation(account, intent, withMethod(params, method?.id)) : undefined;
    if (method !== undefined) moveTo(object, 'requires_confirmation');
    store(account, intent);
    account.log.emit('payment_intent.created', object, cause);
    if (charged !== undefined) confirm(account, intent, charged, params, cause);
    return object;
  }),
  route('GET', '/v1/payment_intents/search', intentSearch, ({ account, params }) => searchIntents(account, params)),
  route('GET', '/v1/payment_intents/:id', { ...expand }, ({ account, ids }) => find(account, ids).object),
  route('GET', '/v1/payment_intents', intentList, ({ account, params }) => {
    if (params.customer !== undefined && account.customers.get(params.customer) === undefined)
      throw noSuch('customer', params.customer, 'customer', 400);
    return listPage(account.paymentIntents, params, {
      url: '/v1/payment_intents',
      ...(params.customer === undefined ? {} : { index: 'customer', indexValue: params.customer }),
      created: (intent) => intent.object.created,
      where: ({ object }) => params.customer === undefined || object.customer === params.customer,
      render: (intent) => intent.object,
    });
  }),
  route('POST', '/v1/payment_intents/:id', intentUpdate, ({ account, ids, params }) => {
    const intent = find(account, ids);
    update(account, intent, params);
    return intent.object;
  }),
  route('POST', '/v1/payment_intents/:id/confirm', intentConfirm, ({ account, ids, params, cause }) => {
    const intent = find(account, ids);
    const method = prepareConfirmation(account, intent, params);
    applyFields(intent, params);
    confirm(account, intent, method, params, cause);
    return intent.object;
  }),
  route('POST', '/v1/payment_intents/:id/capture', intentCapture, ({ account, ids, params, cause }) => {
    const intent = find(account, ids);
    capture(account, intent, params, cause);
    return intent.object;
  }),
  route('POST', '/v1/payment_intents/:id/cancel', intentCancel, ({ account, ids, params, cause }) => {
    const intent = find(account, ids);
    cancel(account, intent, params, cause);
    return intent.object;
  }),
];

/** A PaymentIntent that the account itself makes, for an invoice. */
export function createIntent(
  account: Account,
  params: Parsed<typeof intentCreate>,
  cause: RequestCause,
): StoredPaymentIntent {
  const intent = newIntent(account, params);
  store(account, intent);
  account.log.emit('payment_intent.created', intent.object, cause);
  return intent;
}

function find(account: Account, [id = '']: readonly string[]): StoredPaymentIntent {
  const intent = account.paymentIntents.get(id);
  if (intent === undefined) throw noSuch('payment_intent', id, 'intent', 404);
  return intent;
}

function store(account: Account, intent: StoredPaymentIntent): void {
  account.paymentIntents.add(intent);
  if (intent.object.customer !== null) account.paymentIntents.file('customer', intent.object.customer, intent.id);
}

function withMethod(params: ConfirmParams, id: string | undefined): ConfirmParams {
  // The name of a test card is resolved already; resolving it again would make another payment method.
  return id === undefined ? params : { ...params, payment_method: id };
}

function assertMinimum(account: Account, amount: number, currency: string): void {
  const minimum = MINIMUM_AMOUNT[currency];
  if (!account.settings.enforceMinimumAmounts || minimum === undefined || amount >= minimum) return;
  throw invalidParameter(
    `Amount must be at least ${minimum} in the smallest unit of ${currency}`,
    'amount',
    'amount_too_small',
  );
}

function assertConfirmOnly(params: Parsed<typeof intentCreate>): void {
  if (params.confirm === true) return;
  for (const name of ['off_session', 'return_url', 'error_on_requires_action'] as const) {
    if (params[name] === undefined) continue;
    throw invalidParameter(`You cannot set \`${name}\` when creating a PaymentIntent without \`confirm=true\`.`, name);
  }
}

function update(account: Account, intent: StoredPaymentIntent, params: Parsed<typeof intentUpdate>): void {
  const pi = intent.object;
  const fixed = ['amount', 'currency', 'customer', 'capture_method', 'payment_method', 'setup_future_usage'] as const;
  assertEditable(
    pi,
    fixed.filter((name) => params[name] !== undefined),
  );
  assertMinimum(account, params.amount ?? pi.amount, params.currency ?? pi.currency);
  if (params.customer !== undefined) findCustomer(account, params.customer, 'customer', 400);
  if (params.payment_method !== undefined) pi.payment_method = usableMethod(account, params.payment_method).id;
  if (params.amount !== undefined) pi.amount = params.amount;
  if (params.currency !== undefined) pi.currency = params.currency;
  if (params.customer !== undefined) {
    pi.customer = params.customer;
    account.paymentIntents.file('customer', params.customer, pi.id);
  }
  applyFields(intent, params);
  pi.metadata = mergeMetadata(pi.metadata, params.metadata);
  if (pi.status === 'requires_payment_method' && pi.payment_method !== null) moveTo(pi, 'requires_confirmation');
  if (pi.status === 'requires_action' && params.payment_method !== undefined) {
    // Another card ends the attempt that waits for 3-D Secure.
    pi.next_action = null;
    moveTo(pi, 'requires_confirmation');
  }
}

type Fields = Omit<Parsed<typeof intentUpdate>, 'metadata' | 'amount' | 'currency' | 'customer' | 'payment_method'>;

/** The fields that creation, update and confirmation set in the same way. */
function applyFields(intent: StoredPaymentIntent, params: Fields): void {
  const pi = intent.object;
  if (params.capture_method !== undefined) pi.capture_method = params.capture_method;
  if (params.description !== undefined) pi.description = params.description;
  if (params.receipt_email !== undefined) pi.receipt_email = params.receipt_email;
  if (params.setup_future_usage !== undefined) pi.setup_future_usage = params.setup_future_usage;
  if (params.statement_descriptor !== undefined) pi.statement_descriptor = params.statement_descriptor;
  if (params.statement_descriptor_suffix !== undefined)
    pi.statement_descriptor_suffix = params.statement_descriptor_suffix;
  if (params.transfer_group !== undefined) pi.transfer_group = params.transfer_group;
  if (params.shipping === null) pi.shipping = null;
  else if (params.shipping !== undefined) {
    const { address, name, carrier = null, phone = null, tracking_number: tracking = null } = params.shipping;
    pi.shipping = { address: fullAddress(address), name, carrier, phone, tracking_number: tracking };
  }
  const card = params.payment_method_options?.card;
  if (card?.capture_method === 'manual') pi.capture_method = 'manual';
  if (card?.request_multicapture !== undefined)
    intent.multicaptureRequested = card.request_multicapture === 'if_available';
  if (card !== undefined) Object.assign(pi.payment_method_options?.card ?? {}, card);
}

function newIntent(account: Account, params: Parsed<typeof intentCreate>): StoredPaymentIntent {
  const id = account.newId('pi');
  const types = params.allowed_payment_method_types ?? null;
  const object: PaymentIntent = {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: types as Stripe.PaymentIntent['allowed_payment_method_types'],
    amount: params.amount,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: automaticMethods(params),
    canceled_at: null,
    cancellation_reason: null,
    capture_method: 'automatic_async',
    client_secret: `${id}_secret_${account.newId('s', 25).slice('s_'.length)}`,
    confirmation_method: params.confirmation_method ?? 'automatic',
    created: account.clock.nowSeconds(),
    currency: params.currency,
    customer: params.customer ?? null,
    customer_account: null,
    description: null,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: null,
    metadata: mergeMetadata({}, params.metadata),
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {
      card: { installments: null, mandate_options: null, network: null, request_three_d_secure: 'automatic' },
    },
    payment_method_types: types ?? ['card'],
    payment_record: null,
    processing: null,
    receipt_email: null,
    review: null,
    setup_future_usage: null,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: 'requires_payment_method',
    transfer_data: null,
    transfer_group: null,
  };
  const intent: StoredPaymentIntent = {
    id,
    object,
    offSession: false,
    authenticated: false,
    multicaptureRequested: false,
    captures: 0,
    hold: undefined,
  };
  applyFields(intent, params);
  return intent;
}

/** Automatic payment methods are on unless the types are named: https://docs.stripe.com/payments/payment-methods/dynamic-payment-methods */
function automaticMethods(params: Parsed<typeof intentCreate>): Stripe.PaymentIntent['automatic_payment_methods'] {
  const asked = params.automatic_payment_methods;
  if (asked !== undefined)
    return asked.enabled ? { enabled: true, allow_redirects: asked.allow_redirects ?? 'always' } : null;
  return params.allowed_payment_method_types === undefined ? { enabled: true, allow_redirects: 'always' } : null;
}
