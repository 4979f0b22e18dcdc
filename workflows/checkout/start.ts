import type { CheckoutInput, SubmitCheckout } from './messages';
import { cartTotal } from '../domain/order/shipment-amount';
import { formatMoney } from '../domain/shared/money';
import { workflowIds } from '../kit/names';
import { searchAttributes } from '../kit/search-attributes';
import type { StartOptions } from '../kit/start';

/**
 * A cart's checkout: the one that runs, or a new one. A new one after a closed one is meant: it finds the cart's order
 * and answers with it, or lets a cart that was given up try again. Summary and attributes carry no personal data.
 * @param orderId of the order that may come of it; used only where no checkout of the cart runs
 */
export function checkoutStart(orderId: string, submission: SubmitCheckout, taskQueue: string): StartOptions {
  const { cart } = submission;
  const input: CheckoutInput = { orderId, ...submission };
  const total = formatMoney({ amount: cartTotal(cart), currency: cart.currency });
  return {
    workflowId: workflowIds.checkout(cart.cartId),
    taskQueue,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `Checkout of ${total}`,
    staticDetails: `Cart ${cart.cartId}: ${cart.lines.length} line(s), ${total}, captured per ${cart.captureOn}`,
    typedSearchAttributes: [
      { key: searchAttributes.orderId, value: orderId },
      { key: searchAttributes.channel, value: cart.channel },
      { key: searchAttributes.waitingOn, value: 'provider' },
    ],
  };
}
