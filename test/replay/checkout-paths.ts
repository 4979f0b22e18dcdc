import { failureTypes } from '../../workflows/domain/shared/errors';
import { DEFAULT_POLICY } from '../../workflows/domain/shared/policy';
import { workflowIds, workflowTypes } from '../../workflows/kit/names';
import { ServiceUnavailable } from '../../clients/client';
import { checkoutStart } from '../../workflows/checkout/start';
import { newOrderId, submissionOf } from '../../clients/client/requests';
import { parseCheckout } from '../../clients/schemas/validate';
import type { CheckoutAnswer } from '../../workflows/checkout/messages';
import { expectState, MINUTE_MS } from './stage';
import type { Path, Stage, Target } from './stage';

const DECLINED = 'pm_card_visa_chargeDeclined';
const ASKS_3DS = 'pm_card_authenticationRequired';

/** Longer than the customer has for another card or for 3-D Secure. */
const PATIENCE_OVER_MS = 31 * MINUTE_MS;

/** Sends a cart and waits until its checkout has ended. */
async function checkOut(
  stage: Stage,
  state: 'placed' | 'out_of_stock' | 'invalid' | 'failed',
  changes: Parameters<Stage['cart']>[0] = {},
): Promise<Target> {
  const cart = stage.cart(changes);
  expectState(await stage.holdfast.checkout(cart), state);
  return stage.end(workflowIds.checkout(cart.cartId));
}

/**
 * The cancel makes the server refuse the workflow task, and with it the caller's question, which may be asked again; what the
 * task had done stands all the same, and so the order must.
 */
async function cancelledUnderneath(stage: Stage): Promise<Target> {
  const cart = stage.cart();
  await stage.holdfast.checkout(cart).catch((error: unknown) => {
    if (!(error instanceof ServiceUnavailable)) throw error;
  });
  const workflowId = workflowIds.checkout(cart.cartId);
  const target = await stage.end(workflowId);
  const answer = (await stage.world.client.workflow.getHandle(workflowId).result()) as CheckoutAnswer;
  expectState(answer, 'placed');
  return target;
}

/** A checkout that is declined and waits for another card. */
async function decline(stage: Stage): Promise<{ cart: ReturnType<Stage['cart']>; workflowId: string }> {
  const cart = stage.cart({ paymentMethod: DECLINED });
  expectState(await stage.holdfast.checkout(cart), 'declined');
  return { cart, workflowId: workflowIds.checkout(cart.cartId) };
}

async function askFor3ds(stage: Stage): Promise<{ workflowId: string; paymentIntentId: string }> {
  const cart = stage.cart({ paymentMethod: ASKS_3DS });
  const { paymentIntentId } = expectState(await stage.holdfast.checkout(cart), 'requires_action');
  return { workflowId: workflowIds.checkout(cart.cartId), paymentIntentId };
}

/** Every way a checkout ends. */
export const checkoutPaths: readonly Path[] = [
  { name: 'checkout-placed', play: (stage) => checkOut(stage, 'placed') },
  {
    name: 'checkout-declined-then-paid',
    async play(stage) {
      const { cart, workflowId } = await decline(stage);
      expectState(await stage.holdfast.checkout({ ...cart, paymentMethod: 'pm_card_mastercard' }), 'placed');
      return stage.end(workflowId);
    },
  },
  {
    name: 'checkout-declined-abandoned',
    async play(stage) {
      const { workflowId } = await decline(stage);
      await stage.forward(workflowId, PATIENCE_OVER_MS);
      return stage.end(workflowId);
    },
  },
  {
    name: 'checkout-declined-cancelled-by-operator',
    async play(stage) {
      const { workflowId } = await decline(stage);
      await stage.world.client.workflow.getHandle(workflowId).cancel();
      return stage.end(workflowId);
    },
  },
  {
    name: 'checkout-cancelled-by-operator-while-recording',
    cancelDuring: 'placeOrder',
    play: cancelledUnderneath,
  },
  {
    name: 'checkout-cancelled-by-operator-while-reserving',
    cancelDuring: 'reserveStock',
    play: cancelledUnderneath,
  },
  {
    name: 'checkout-requires-action-passed',
    async play(stage) {
      const { workflowId, paymentIntentId } = await askFor3ds(stage);
      stage.world.simulator.completeAuthentication(paymentIntentId, 'succeed');
      return stage.end(workflowId);
    },
  },
  {
    name: 'checkout-requires-action-polled',
    async play(stage) {
      stage.world.simulator.setWebhookEndpoint(undefined);
      const { workflowId, paymentIntentId } = await askFor3ds(stage);
      stage.world.simulator.completeAuthentication(paymentIntentId, 'succeed');
      await stage.forward(workflowId, MINUTE_MS);
      return stage.end(workflowId);
    },
  },
  {
    name: 'checkout-requires-action-failed-then-paid',
    async play(stage) {
      const cart = stage.cart({ paymentMethod: ASKS_3DS });
      const { paymentIntentId } = expectState(await stage.holdfast.checkout(cart), 'requires_action');
      stage.world.simulator.completeAuthentication(paymentIntentId, 'fail');
      expectState(await stage.holdfast.checkout({ ...cart, paymentMethod: 'pm_card_visa' }), 'placed');
      return stage.end(workflowIds.checkout(cart.cartId));
    },
  },
  {
    name: 'checkout-requires-action-abandoned',
    async play(stage) {
      const { workflowId } = await askFor3ds(stage);
      await stage.forward(workflowId, PATIENCE_OVER_MS);
      return stage.end(workflowId);
    },
  },
  {
    name: 'checkout-started-without-its-update',
    async play(stage) {
      const cart = stage.cart();
      const { taskQueue, client } = stage.world;
      const submission = submissionOf(parseCheckout(cart), DEFAULT_POLICY);
      await client.workflow.start(workflowTypes.checkout, checkoutStart(newOrderId(), submission, taskQueue));
      return stage.end(workflowIds.checkout(cart.cartId));
    },
  },
  {
    name: 'checkout-declined-then-changed',
    async play(stage) {
      const { cart, workflowId } = await decline(stage);
      const lines = [{ sku: 'MUG-BLUE', quantity: 1, unitAmount: 1290 }];
      expectState(await stage.holdfast.checkout({ ...cart, lines, paymentMethod: 'pm_card_visa' }), 'placed');
      return stage.end(workflowId);
    },
  },
  {
    name: 'checkout-changed-during-requires-action',
    async play(stage) {
      const cart = stage.cart({ paymentMethod: ASKS_3DS });
      const { paymentIntentId } = expectState(await stage.holdfast.checkout(cart), 'requires_action');
      expectState(await stage.holdfast.checkout({ ...cart, shippingAmount: 491 }), 'failed');
      stage.world.simulator.completeAuthentication(paymentIntentId, 'succeed');
      return stage.end(workflowIds.checkout(cart.cartId));
    },
  },
  {
    name: 'checkout-sold-out-during-requires-action',
    async play(stage) {
      const lastOne = { lines: [{ sku: 'LAST-ONE', quantity: 1, unitAmount: 9900 }], taxAmount: 0, shippingAmount: 0 };
      const cart = stage.cart({ ...lastOne, paymentMethod: ASKS_3DS });
      expectState(await stage.holdfast.checkout(cart), 'requires_action');
      await checkOut(stage, 'placed', lastOne);
      expectState(await stage.holdfast.checkout(cart), 'out_of_stock');
      return stage.end(workflowIds.checkout(cart.cartId));
    },
  },
  {
    name: 'checkout-of-a-cart-that-is-another-order',
    async play(stage) {
      const cart = stage.cart();
      const workflowId = workflowIds.checkout(cart.cartId);
      expectState(await stage.holdfast.checkout(cart), 'placed');
      await stage.end(workflowId);
      expectState(await stage.holdfast.checkout({ ...cart, shippingAmount: 491 }), 'failed');
      return stage.end(workflowId);
    },
  },
  {
    name: 'checkout-out-of-stock',
    async play(stage) {
      const lastOne = { lines: [{ sku: 'LAST-ONE', quantity: 1, unitAmount: 9900 }], taxAmount: 0, shippingAmount: 0 };
      await checkOut(stage, 'placed', lastOne);
      return checkOut(stage, 'out_of_stock', lastOne);
    },
  },
  {
    name: 'checkout-invalid',
    play: (stage) => checkOut(stage, 'invalid', { lines: [{ sku: 'NO-SUCH', quantity: 1, unitAmount: 1 }] }),
  },
  {
    name: 'checkout-of-a-cart-that-is-an-order',
    async play(stage) {
      const cart = stage.cart();
      const workflowId = workflowIds.checkout(cart.cartId);
      expectState(await stage.holdfast.checkout(cart), 'placed');
      await stage.end(workflowId);
      expectState(await stage.holdfast.checkout(cart), 'placed');
      return stage.end(workflowId);
    },
  },
  {
    name: 'checkout-unknown-outcome-looked-up',
    faults: [{ activity: 'authorizePayment', when: 'after', type: failureTypes.unknownOutcome }],
    play: (stage) => checkOut(stage, 'placed'),
  },
  {
    name: 'checkout-payment-unavailable',
    faults: [
      { activity: 'authorizePayment', when: 'before', type: failureTypes.unknownOutcome },
      { activity: 'syncPayment', when: 'before' },
    ],
    play: (stage) => checkOut(stage, 'failed'),
  },
  {
    name: 'checkout-order-unavailable-compensated',
    faults: [{ activity: 'placeOrder', when: 'before' }],
    play: (stage) => checkOut(stage, 'failed'),
  },
  {
    name: 'checkout-order-recorded-after-all',
    faults: [{ activity: 'placeOrder', when: 'after' }],
    play: (stage) => checkOut(stage, 'placed'),
  },
  {
    name: 'checkout-stock-unavailable-compensated',
    faults: [{ activity: 'reserveStock', when: 'after' }],
    play: (stage) => checkOut(stage, 'failed'),
  },
  {
    name: 'checkout-undo-retried',
    faults: [{ activity: 'voidPayments', when: 'before' }],
    async play(stage) {
      const { workflowId } = await decline(stage);
      await stage.forward(workflowId, PATIENCE_OVER_MS + 15 * MINUTE_MS);
      return stage.end(workflowId);
    },
  },
];
