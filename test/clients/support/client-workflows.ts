import { allHandlersFinished, condition, proxyLocalActivities, setHandler, sleep } from '@temporalio/workflow';
import { getStatus } from '../../../workflows/kit/messages';
import { shipOrder, type OrderInput } from '../../../workflows/order/messages';
import { submitCheckout, type CheckoutAnswer, type CheckoutInput } from '../../../workflows/checkout/messages';

/** Stand-ins under the real workflows' names, which end in the ways that the client must cope with. */

const { countRun } = proxyLocalActivities<{ countRun(workflow: string): Promise<number> }>({
  startToCloseTimeout: '10 s',
});

/** Ends with its first answer: a transient failure in the first run, an order in any later one. */
export async function checkout(input: CheckoutInput): Promise<void> {
  let answered = false;
  setHandler(submitCheckout, async (submission): Promise<CheckoutAnswer> => {
    const run = await countRun(input.cart.cartId);
    answered = true;
    if (run === 1 && submission.paymentMethod === 'pm_unlucky') {
      return { state: 'failed', code: 'payment_unavailable', message: 'the bank is away' };
    }
    return {
      state: 'placed',
      orderId: input.orderId,
      authorizedAmount: run,
      captureBefore: submission.cartFingerprint,
    };
  });
  await condition(() => answered);
  await condition(allHandlersFinished);
}

/** An order called `ends-underneath-…` ends while the first run's command is being worked on. */
export async function order(input: OrderInput): Promise<void> {
  const { orderId } = input;
  let done = false;
  setHandler(getStatus, () => ({ orderId, step: 'standing in', waiting: null }));
  setHandler(shipOrder, async (command) => {
    const run = await countRun(orderId);
    if (orderId.startsWith('ends-underneath')) {
      done = true;
      if (run === 1) await sleep('1 day');
    }
    const shipmentId = `${command.carrier}/${command.trackingNumber}`;
    return { accepted: true, shipmentId, capturedAmount: run, state: 'allocated', paymentState: 'captured' } as const;
  });
  await condition(() => done);
}
