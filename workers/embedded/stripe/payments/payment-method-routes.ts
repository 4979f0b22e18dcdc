import type { Account } from '../state/account';
import { cardByName, cardByNumber } from '../bank/cards';
import { findCustomer } from './customers';
import { invalidParameter, refused, StripeApiError } from '../http/errors';
import { listPage, type PagingParams } from '../http/lists';
import { attach, newMethod, resolveMethod } from './payment-methods';
import { route } from '../http/request';
import { expand, paymentMethodAttach, paymentMethodCreate, paymentMethodList } from '../state/shapes';

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
