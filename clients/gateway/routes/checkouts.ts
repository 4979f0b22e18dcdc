import type { CheckoutAnswer } from '../../../workflows/checkout/messages';
import * as answers from '../../schemas/answers';
import { checkoutRequest, type ParsedCheckout } from '../../schemas/orders';
import { parseCheckout } from '../../schemas/validate';
import type { Outcome } from '../server/idempotency';
import type { GatewayMetrics } from '../server/metrics';
import type { Call, Operation } from '../server/operation';
import type { GatewayDeps } from '../ports';
import { badRequest, Problem, unavailable } from '../server/problem';

/** `POST /v1/checkouts` */
export function checkoutOperations(deps: GatewayDeps, metrics: GatewayMetrics): Operation[] {
  return [
    {
      method: 'POST',
      path: '/v1/checkouts',
      name: 'checkout',
      summary:
        'Buy a cart. The same cart sent again gets the same order, or tries the same PaymentIntent with this payment method.',
      body: checkoutRequest,
      answers: {
        201: ['The card is held, the stock is reserved, the order is recorded', answers.checkoutPlaced],
        202: ['The customer must pass 3-D Secure', answers.checkoutRequiresAction],
      },
      problems: {
        402: 'Declined (`card_declined`, `providerCode`, `declineCode`; try another payment method until `retryUntil`), or `payment_refused`',
        409: '`out_of_stock` (`sku`, `available`), `cart_changed` (with `placed`: permanently) or `abandoned`',
      },
      prepare: (call) => {
        const request = parseCheckout(call.body);
        return () => checkout(deps, metrics, request, call);
      },
    },
  ];
}

async function checkout(
  deps: GatewayDeps,
  metrics: GatewayMetrics,
  request: ParsedCheckout,
  call: Call,
): Promise<Outcome> {
  await checkCatalogue(deps, request);
  const answer = await deps.holdfast.checkout(request, call.options);
  metrics.checkouts.inc({ answer: answer.state });
  return toOutcome(answer);
}

/**
 * Checks goods and prices before a workflow starts. A cart that is already an order passes: prices may have changed since, and
 * the answer is that order.
 */
async function checkCatalogue(deps: GatewayDeps, request: ParsedCheckout): Promise<void> {
  const problems = await deps.orders.checkCatalogue(request.currency, request.lines);
  if (problems.length === 0) return;
  if ((await deps.orders.findOrderByCart(request.cartId)) === undefined)
    throw badRequest(problems, { reason: 'invalid' });
}

function toOutcome(answer: CheckoutAnswer): Outcome {
  switch (answer.state) {
    case 'placed':
      return { status: 201, body: answer, headers: { location: `/v1/orders/${answer.orderId}` } };
    case 'requires_action':
      return { status: 202, body: answer };
    case 'declined':
      throw new Problem(402, 'The bank declined the card; the same cart may be sent with another payment method', {
        code: 'card_declined',
        providerCode: answer.code,
        declineCode: answer.declineCode,
        orderId: answer.orderId,
        retryUntil: answer.retryUntil,
      });
    case 'out_of_stock':
      throw new Problem(409, `Only ${answer.available} of ${answer.sku} are available; nothing was charged`, {
        code: 'out_of_stock',
        sku: answer.sku,
        available: answer.available,
      });
    case 'invalid':
      throw badRequest(answer.problems, { reason: answer.state });
    case 'failed':
      return failed(answer);
  }
}

function failed(answer: Extract<CheckoutAnswer, { state: 'failed' }>): never {
  if (answer.code === 'cart_changed') {
    const { code, message, placed } = answer;
    throw new Problem(409, message, { code, placed });
  }
  const { code, message } = answer;
  if (code === 'payment_refused') throw new Problem(402, message, { code });
  if (code === 'abandoned') throw new Problem(409, message, { code });
  throw unavailable(message, { code });
}
