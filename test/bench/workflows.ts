import {
  allHandlersFinished,
  condition,
  ParentClosePolicy,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  startChild,
} from '@temporalio/workflow';
import { AUTHORIZE_OPTIONS, STORAGE_OPTIONS } from '../../workflows/kit/activity-options';
import { submitCheckout } from '../../workflows/checkout/messages';
import { workflowIds, workflowTypes } from '../../workflows/kit/names';
import type { CheckoutAnswer, CheckoutInput } from '../../workflows/checkout/messages';
import { cartTotal } from '../../workflows/domain/order/shipment-amount';
import type { OrderActivities } from '../../workflows/order/ports';
import type { PaymentActivities } from '../../workflows/payment/ports';
import { answerLater } from './designs';
import type { BareActivities } from './designs';
import type { Design } from './designs';

/*
 * What the benchmark's worker runs: the product's own workflows, the bare ones they are compared with, and the checkout in
 * other designs. The designs know the happy path only: they are there to be measured, not to be used.
 */
export { checkout } from '../../workflows/checkout/workflow';
export { order } from '../../workflows/order/workflow';
export { subscription } from '../../workflows/subscription/workflow';

const SHORT = { startToCloseTimeout: '10 s' } as const;
const regular = proxyActivities<BareActivities>(SHORT);
const local = proxyLocalActivities<BareActivities>(SHORT);

/** Three regular activities that do nothing, one after the other. */
export async function threeRegular(): Promise<number> {
  return (await regular.nothing()) + (await regular.nothing()) + (await regular.nothing());
}

/** The same, answered like a checkout: by an update that came with the start. */
export async function threeRegularAnswered(): Promise<number> {
  return answered(threeRegular);
}

/** Three local activities that do nothing, one after the other. */
export async function threeLocal(): Promise<number> {
  return (await local.nothing()) + (await local.nothing()) + (await local.nothing());
}

export async function threeLocalAnswered(): Promise<number> {
  return answered(threeLocal);
}

async function answered(work: () => Promise<number>): Promise<number> {
  const outcome: { result?: number } = {};
  setHandler(answerLater, async () => {
    await condition(() => outcome.result !== undefined);
  });
  outcome.result = await work();
  await condition(allHandlersFinished);
  return outcome.result;
}

type Bank = Pick<PaymentActivities, 'authorizePayment'>;
type Records = Pick<OrderActivities, 'reserveStock' | 'placeOrder'>;
const { startToCloseTimeout, scheduleToCloseTimeout, retry } = STORAGE_OPTIONS;
const REGULAR_STORAGE = {
  ...(startToCloseTimeout === undefined ? {} : { startToCloseTimeout }),
  ...(scheduleToCloseTimeout === undefined ? {} : { scheduleToCloseTimeout }),
  ...(retry === undefined ? {} : { retry }),
};

const banks: Record<Design['bank'], Bank> = {
  regular: proxyActivities<Bank>(AUTHORIZE_OPTIONS),
  notEager: proxyActivities<Bank>({ ...AUTHORIZE_OPTIONS, allowEagerDispatch: false }),
  local: proxyLocalActivities<Bank>({ ...STORAGE_OPTIONS, startToCloseTimeout: '30 s' }),
};
const stores: Record<Design['storage'], Records> = {
  local: proxyLocalActivities<Records>(STORAGE_OPTIONS),
  regular: proxyActivities<Records>(REGULAR_STORAGE),
};

/** A checkout's happy path with the product's own activities, called in the way that a design says. */
export async function designedCheckout({ orderId, cart }: CheckoutInput, design: Design): Promise<CheckoutAnswer> {
  const bank = banks[design.bank];
  const records = stores[design.storage];
  const outcome: { answer?: CheckoutAnswer } = {};
  setHandler(submitCheckout, async () => {
    await condition(() => outcome.answer !== undefined);
    return outcome.answer as CheckoutAnswer;
  });
  const payment = await bank.authorizePayment({
    orderId,
    cartId: cart.cartId,
    attempt: 1,
    purpose: 'checkout',
    amount: { amount: cartTotal(cart), currency: cart.currency },
    customer: cart.customer,
    paymentMethod: 'pm_card_visa',
    offSession: false,
    lines: cart.lines,
  });
  if (payment.status !== 'authorized') throw new TypeError(`the card was not held but ${payment.status}`);
  const { paymentIntentId } = payment;
  await records.reserveStock({ orderId, lines: cart.lines.map(({ sku, quantity }) => ({ sku, quantity })) });
  const placed = await records.placeOrder({ orderId, cart, paymentIntentId });
  if (placed.outcome === 'cart_changed') throw new TypeError('the cart is another order');
  const { facts } = placed;
  const captureBefore = facts.hold?.captureBefore ?? null;
  const answer: CheckoutAnswer = {
    state: 'placed',
    orderId,
    authorizedAmount: facts.amounts.authorized,
    captureBefore,
  };
  outcome.answer = answer;
  if (design.order === 'child') {
    await startChild(workflowTypes.order, {
      workflowId: workflowIds.order(orderId),
      args: [{ orderId }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
    });
  }
  await condition(allHandlersFinished);
  return answer;
}
