import type { Account } from '../state/account';
import { cardByName, cardByNumber, declineFor, type CardProfile } from '../bank/cards';
import { findCustomer } from './customers';
import { invalidParameter, noSuch, refused, StripeApiError } from '../http/errors';
import { listPage, type PagingParams } from '../http/lists';
import type { RequestCause, StoredPaymentMethod } from '../state/model';
import { route } from '../http/request';
import { expand, paymentMethodAttach, paymentMethodCreate, paymentMethodList } from '../state/shapes';

const REUSED =
  'The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected account without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach it to a Customer first.';

/** The payment method `id`; the name of a test card becomes a new payment method each time, as with Stripe. */
export function resolveMethod(account: Account, id: string, status: 400 | 404): StoredPaymentMethod {
  const stored = account.paymentMethods.get(id);
  if (stored !== undefined) return stored;
  const profile = cardByName(id);
  if (profile === undefined) throw noSuch('PaymentMethod', id, 'payment_method', status);
  return newMethod(account, profile);
}

/** The payment method, refused where it was used up before. */
export function usableMethod(account: Account, id: string): StoredPaymentMethod {
  const method = resolveMethod(account, id, 400);
  // Without a code and a parameter: only the method's own state says what is wrong.
  if (method.consumed) throw refused(REUSED);
  return method;
}

/** Attaches a payment method; the issuer is asked, so a card that it declines cannot be saved. */
export function attach(account: Account, method: StoredPaymentMethod, customerId: string, cause: RequestCause): void {
  if (method.object.customer === customerId) return;
  if (method.object.customer !== null) {
    throw refused('The payment method you provided has already been attached to a customer.', {
      param: 'payment_method',
    });
  }
  if (method.consumed) throw refused(REUSED);
  if (method.profile.behaviour.kind === 'decline') {
    const { code, declineCode, message } = declineFor(method.profile.behaviour.code);
    throw new StripeApiError(402, { type: 'card_error', code, decline_code: declineCode, message, param: '' });
  }
  method.object.customer = customerId;
  account.paymentMethods.file('customer', customerId, method.id);
  account.log.emit('payment_method.attached', method.object, cause);
}

export const paymentMethodRoutes = [
  route('POST', '/v1/payment_methods', paymentMethodCreate, ({ account, params }) => {
    const { card, billing_details: billing, metadata } = params;
    const profile = card.token === undefined ? cardByNumber(card.number ?? '') : cardByName(card.token);
    if (profile === undefined) {
      throw new StripeApiError(
        402,
        { type: 'card_error', code: 'incorrect_number', message: 'Your card number is incorrect.', param: 'number' },
        false,
      );
    }
    const { object } = newMethod(account, profile);
    if (object.card !== undefined && card.exp_month !== undefined) object.card.exp_month = card.exp_month;
    if (object.card !== undefined && card.exp_year !== undefined) object.card.exp_year = card.exp_year;
    const { email = null, name = null, phone = null } = billing ?? {};
    Object.assign(object.billing_details, { email, name, phone });
    object.metadata = metadata ?? {};
    return object;
  }),
  route(
    'GET',
    '/v1/payment_methods/:id',
    expand,
    ({ account, ids: [id = ''] }) => resolveMethod(account, id, 404).object,
  ),
  route('POST', '/v1/payment_methods/:id/attach', paymentMethodAttach, ({ account, ids: [id = ''], params, cause }) => {
    findCustomer(account, params.customer, 'customer', 400);
    const method = resolveMethod(account, id, 404);
    attach(account, method, params.customer, cause);
    return method.object;
  }),
  route('POST', '/v1/payment_methods/:id/detach', expand, ({ account, ids: [id = ''], cause }) => {
    const method = resolveMethod(account, id, 404);
    if (method.object.customer === null) {
      throw refused('The payment method you provided is not attached to a customer so detachment is impossible.', {
        param: 'payment_method',
      });
    }
    method.object.customer = null;
    method.consumed = true;
    account.log.emit('payment_method.detached', method.object, cause);
    return method.object;
  }),
  route('GET', '/v1/payment_methods', paymentMethodList, ({ account, params }) => {
    // Stripe lists only what is attached to a customer, so it wants to know to which.
    if (params.customer === undefined)
      throw invalidParameter('Missing required param: customer.', 'customer', 'parameter_missing');
    return methodsOf(account, params.customer, params, '/v1/payment_methods');
  }),
  route('GET', '/v1/customers/:id/payment_methods', paymentMethodList, ({ account, ids: [id = ''], params }) => {
    findCustomer(account, id, 'id', 404);
    return methodsOf(account, id, params, `/v1/customers/${id}/payment_methods`);
  }),
];

function methodsOf(account: Account, customer: string, params: PagingParams & { type?: string }, url: string): object {
  return listPage(account.paymentMethods, params, {
    url,
    index: 'customer',
    indexValue: customer,
    created: (method) => method.object.created,
    where: ({ object }) => object.customer === customer && (params.type === undefined || object.type === params.type),
    render: (method) => method.object,
  });
}

function newMethod(account: Account, profile: CardProfile): StoredPaymentMethod {
  const id = account.newId('pm');
  const method: StoredPaymentMethod = {
    id,
    profile,
    consumed: false,
    setUp: false,
    object: {
      id,
      object: 'payment_method',
      allow_redisplay: 'unspecified',
      billing_details: {
        address: { city: null, country: null, line1: null, line2: null, postal_code: null, state: null },
        email: null,
        name: null,
        phone: null,
        tax_id: null,
      },
      card: cardOf(account, profile),
      created: account.clock.nowSeconds(),
      customer: null,
      customer_account: null,
      livemode: false,
      metadata: {},
      type: 'card',
    },
  };
  account.paymentMethods.add(method);
  return method;
}

function cardOf(account: Account, profile: CardProfile): NonNullable<StoredPaymentMethod['object']['card']> {
  return {
    brand: profile.brand,
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
    country: profile.country,
    display_brand: profile.brand,
    exp_month: 12,
    // Far enough off that no test card expires within a simulated order's life.
    exp_year: new Date(account.clock.now()).getUTCFullYear() + 4,
    fingerprint: `fp${profile.number}`,
    funding: profile.funding,
    generated_from: null,
    last4: profile.number.slice(-4),
    networks: { available: [profile.brand], preferred: null },
    regulated_status: 'unregulated',
    three_d_secure_usage: { supported: true },
    wallet: null,
  };
}
