import type { Account } from '../state/account';
import { subscriptions } from '../billing/resources';
import { endSubscription, isEnded } from '../billing/subscriptions/states';
import { inTimeOf } from '../billing/time';
import { findCustomer, testClockOf } from './customers';
import { deletedCustomer, type Customer, type RequestCause } from '../state/model';
import { route } from '../http/request';

/** Also cancels the customer's subscriptions and detaches the payment methods. https://docs.stripe.com/api/customers/delete */
export const customerDeleteRoute = route('DELETE', '/v1/customers/:id', {}, ({ account, ids: [id = ''], cause }) => {
  const customer = findCustomer(account, id, 'id', 404);
  inTimeOf(account, testClockOf(customer), () => remove(account, customer, cause));
  return deletedCustomer(id);
});

function remove(account: Account, customer: Customer, cause: RequestCause): void {
  const { id } = customer;
  for (const subscription of account.of(subscriptions).values()) {
    if (subscription.object.customer !== id || isEnded(subscription)) continue;
    endSubscription(account, subscription, 'cancellation_requested', cause);
  }
  for (const method of account.paymentMethods.values()) {
    if (method.object.customer !== id) continue;
    method.object.customer = null;
    method.consumed = true;
    account.log.emit('payment_method.detached', method.object, cause);
  }
  customer.deleted = true;
  account.log.emit('customer.deleted', customer, cause);
}
