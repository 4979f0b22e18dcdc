import type { RefusalDetails } from '../domain/shared/errors';
import type { OrderFacts } from '../domain/order/order';
import type { CheckoutAnswer } from './messages';
import type { AuthorizationResult } from '../payment/ports';

/* How a checkout answers its callers. */

export function placedAnswer(facts: OrderFacts): CheckoutAnswer {
  return {
    state: 'placed',
    orderId: facts.orderId,
    authorizedAmount: facts.amounts.authorized,
    captureBefore: facts.hold?.captureBefore ?? null,
  };
}

/** The answer to other contents, or another customer, under a cart id in use. `placed`: by an order, so it stays in use. */
export function cartChanged(placed: boolean): CheckoutAnswer {
  const message = placed
    ? 'This cart id is an order with other contents or another customer; use a new cart id.'
    : 'This cart id is being checked out with other contents or by another customer; send it again later, or use a new cart id.';
  return { state: 'failed', code: 'cart_changed', placed, message };
}

/** Was the request refused before any money moved: the cart is an order already, or cannot be bought as it is? */
export function nothingWasBegun({ status }: AuthorizationResult): boolean {
  return ['existing_order', 'cart_changed', 'out_of_stock', 'invalid', 'refused'].includes(status);
}

/** The answer to a checkout whose payment was not authorized. */
export function unpaidAnswer(result: AuthorizationResult): CheckoutAnswer {
  switch (result.status) {
    case 'existing_order':
      return placedAnswer(result.facts);
    case 'cart_changed':
      return cartChanged(true);
    case 'out_of_stock':
      return { state: 'out_of_stock', sku: result.sku, available: result.available };
    case 'invalid':
      return { state: 'invalid', problems: result.problems };
    case 'refused':
      return refusedAnswer(result);
    default: {
      const message = 'The payment could not be made; nothing is held. The same cart may be sent again.';
      return { state: 'failed', code: 'payment_unavailable', message };
    }
  }
}

/** Fields of a checkout by the provider's parameter. The provider knows the total only: the lines, shipping and tax make it up. */
const FIELD_OF_PARAM: Readonly<Record<string, string>> = {
  amount: 'lines',
  currency: 'currency',
  email: 'customer.email',
  name: 'customer.name',
  payment_method: 'paymentMethod',
};

function refusedAnswer({ message, param }: RefusalDetails): CheckoutAnswer {
  const field = param === undefined ? undefined : FIELD_OF_PARAM[param];
  if (field !== undefined) return { state: 'invalid', problems: [{ field, message }] };
  return { state: 'failed', code: 'payment_refused', message };
}
