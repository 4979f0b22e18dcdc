import { workflowIds } from '../../workflows/kit/names';
import { DAY_MS, expectAccepted, HOLD_ACTED_ON_MS, HOUR_MS, MINUTE_MS } from './stage';
import type { Path, Stage } from './stage';

/** An order whose customer was asked to renew the payment. */
async function placeUnrenewable(stage: Stage): Promise<string> {
  const orderId = await stage.place();
  stage.refuseRenewals(orderId);
  await stage.forwardOrder(orderId, 7 * DAY_MS + HOUR_MS);
  await stage.until(orderId, (view) => view.paymentState === 'payment_needed');
  return orderId;
}

/** An order whose hold a person must decide on. */
async function placeAsking(stage: Stage): Promise<string> {
  const orderId = await stage.place();
  await stage.forwardOrder(orderId, HOLD_ACTED_ON_MS);
  await stage.until(orderId, (view) => view.exception?.kind === 'hold_decision');
  return orderId;
}

/** What becomes of an order's card hold, by time, by policy and by people. */
export const orderHoldPaths: readonly Path[] = [
  {
    name: 'order-hold-renewed',
    async play(stage) {
      const orderId = await stage.place();
      await stage.forwardOrder(orderId, HOLD_ACTED_ON_MS);
      await stage.until(orderId, () => stage.intents(orderId).length === 2);
      return stage.shipAndDeliver(orderId);
    },
  },
  {
    name: 'order-hold-not-renewed-to-the-deadline',
    async play(stage) {
      const orderId = await placeUnrenewable(stage);
      await stage.forwardOrder(orderId, 2 * DAY_MS + HOUR_MS);
      return stage.end(workflowIds.order(orderId));
    },
  },
  {
    name: 'order-hold-renewed-by-the-customer',
    async play(stage) {
      const orderId = await placeUnrenewable(stage);
      expectAccepted(await stage.holdfast.renewPayment(orderId, { paymentMethod: 'pm_card_mastercard' }));
      return stage.shipAndDeliver(orderId);
    },
  },
  {
    name: 'order-hold-renewed-by-the-customer-with-3ds',
    async play(stage) {
      const orderId = await placeUnrenewable(stage);
      const paymentMethod = 'pm_card_authenticationRequired';
      const asked = await stage.holdfast.renewPayment(orderId, { paymentMethod });
      if (!asked.accepted || asked.state !== 'requires_action') throw new Error(`not asked: ${JSON.stringify(asked)}`);
      const waiting = stage.intents(orderId).find((intent) => intent.status === 'requires_action');
      stage.world.simulator.completeAuthentication(waiting?.id ?? '', 'succeed');
      await stage.forwardOrder(orderId, 5 * MINUTE_MS);
      await stage.until(orderId, (view) => view.paymentState === 'authorized');
      return stage.shipAndDeliver(orderId);
    },
  },
  {
    name: 'order-hold-decided-reauthorize',
    policy: { onHoldExpiring: 'ask' },
    async play(stage) {
      const orderId = await placeAsking(stage);
      expectAccepted(await stage.holdfast.decideHold(orderId, { action: 'reauthorize' }));
      return stage.shipAndDeliver(orderId);
    },
  },
  {
    name: 'order-hold-decided-capture',
    policy: { onHoldExpiring: 'ask' },
    async play(stage) {
      const orderId = await placeAsking(stage);
      expectAccepted(await stage.holdfast.decideHold(orderId, { action: 'capture' }));
      return stage.shipAndDeliver(orderId);
    },
  },
  {
    name: 'order-hold-decided-cancel',
    policy: { onHoldExpiring: 'ask' },
    async play(stage) {
      const orderId = await placeAsking(stage);
      expectAccepted(await stage.holdfast.decideHold(orderId, { action: 'cancel' }));
      return stage.end(workflowIds.order(orderId));
    },
  },
  {
    name: 'order-hold-not-decided',
    policy: { onHoldExpiring: 'ask' },
    async play(stage) {
      const orderId = await placeAsking(stage);
      await stage.forwardOrder(orderId, 4 * DAY_MS);
      return stage.end(workflowIds.order(orderId));
    },
  },
  {
    name: 'order-ships-under-a-hold-that-is-not-renewed',
    async play(stage) {
      const orderId = await stage.place();
      stage.refuseRenewals(orderId);
      await stage.forwardOrder(orderId, HOLD_ACTED_ON_MS);
      await stage.until(orderId, () => stage.intents(orderId).length === 2);
      return stage.shipAndDeliver(orderId);
    },
  },
  {
    name: 'order-hold-released-then-retried',
    policy: { onHoldExpiring: 'releaseThenRetry' },
    async play(stage) {
      const orderId = await stage.place();
      await stage.forwardOrder(orderId, 7 * DAY_MS - HOUR_MS);
      await stage.until(orderId, (view) => view.paymentState === 'authorized' && stage.intents(orderId).length === 2);
      return stage.shipAndDeliver(orderId);
    },
  },
  {
    name: 'order-hold-cancelled-by-a-person',
    async play(stage) {
      const orderId = await stage.place();
      await stage.world.dependencies.stripe.paymentIntents.cancel(stage.intents(orderId)[0]?.id ?? '', {
        cancellation_reason: 'fraudulent',
      });
      await stage.until(orderId, (view) => view.exception?.kind === 'hold_cancelled');
      expectAccepted(await stage.holdfast.decideHold(orderId, { action: 'reauthorize' }));
      return stage.shipAndDeliver(orderId);
    },
  },
  {
    name: 'order-captured-in-part-by-a-person',
    async play(stage) {
      const orderId = await stage.place();
      await stage.world.dependencies.stripe.paymentIntents.capture(stage.intents(orderId)[0]?.id ?? '', {
        amount_to_capture: 1000,
      });
      await stage.until(orderId, (view) => view.amounts.captured === 1000 && view.captureBefore !== null);
      return stage.shipAndDeliver(orderId);
    },
  },
  {
    name: 'order-hold-captured-by-policy-and-late',
    policy: { onHoldExpiring: 'capture' },
    async play(stage) {
      const orderId = await stage.place();
      await stage.forwardOrder(orderId, 15 * DAY_MS);
      await stage.until(orderId, (view) => view.exception?.kind === 'shipment_overdue');
      expectAccepted(await stage.holdfast.ship(orderId, stage.everything()));
      await stage.forwardOrder(orderId, 31 * DAY_MS);
      return stage.deliver(orderId);
    },
  },
  {
    name: 'order-hold-stopped-then-cancelled',
    async play(stage) {
      const orderId = await stage.place();
      // The rest of the order is an amount that the bank holds for no card.
      const match = { pathPattern: '/v1/payment_intents$', idempotencyKeyPattern: orderId };
      const action = { kind: 'refusal', code: 'amount_too_small', param: 'amount' } as const;
      stage.world.simulator.faults.add({ match, action, times: 1 });
      expectAccepted(await stage.holdfast.ship(orderId, stage.mugs(1)));
      await stage.until(orderId, (view) => view.exception?.kind === 'hold_stopped');
      expectAccepted(await stage.holdfast.decideHold(orderId, { action: 'cancel' }));
      return stage.deliver(orderId);
    },
  },
];
