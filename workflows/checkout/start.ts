import type { CheckoutInput, SubmitCheckout } from './messages';
import { cartTotal } from '../domain/order/shipment-amount';
import { formatMoney } from '../domain/shared/money';
import { workflowIds } from '../kit/names';
import { searchAttributes } from '../kit/search-attributes';
import type { StartOptions } from '../kit/start';

/**
 * Start options of a cart's checkout: one that runs is used, one that has ended is started anew. The new one answers with the
 * cart's order where there is one, and else tries again. Summary and attributes carry no personal data.
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
