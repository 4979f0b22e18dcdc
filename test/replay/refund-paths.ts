import { failureTypes } from '../../workflows/domain/shared/errors';
import type { RefundState } from '../../workflows/domain/refund/refund';
import { workflowIds } from '../../workflows/kit/names';
import { eventually } from '../support/time/eventually';
import { forwardRefund, providerRefundsOf, refundExceptions, refundIn } from '../support/refunds';
import { DAY_MS, expectAccepted, expectRefused, HOUR_MS, MINUTE_MS } from './stage';
import type { Path, Stage, Target } from './stage';

const reason = 'requested_by_customer';

/** Longer than a refund that succeeded is watched. */
const WATCHED_MS = 61 * DAY_MS;

/** An order that has shipped whole. */
async function shipped(stage: Stage): Promise<string> {
  const orderId = await stage.place();
  expectAccepted(await stage.holdfast.ship(orderId, stage.everything()));
  return orderId;
}

async function ask(stage: Stage, orderId: string, amount = 1_000): Promise<string> {
  const answer = expectAccepted(await stage.holdfast.refund(orderId, { amount, reason }));
  if (!('refundId' in answer)) throw new Error(`no refund: ${JSON.stringify(answer)}`);
  return answer.refundId;
}

/** Asks for a refund of an order that has shipped, and waits until it is in this state. */
async function refund(stage: Stage, state: RefundState): Promise<{ orderId: string; refundId: string }> {
  const orderId = await shipped(stage);
  const refundId = await ask(stage, orderId);
  await refundIn(stage.world, refundId, state);
  return { orderId, refundId };
}

/** Nothing came back in all the time for which it is watched. */
async function watched(stage: Stage, refundId: string): Promise<Target> {
  await refundIn(stage.world, refundId, 'succeeded');
  await forwardRefund(refundId, WATCHED_MS);
  return stage.end(workflowIds.refund(refundId));
}

/** A person settles what did not go back. */
async function settled(stage: Stage, refundId: string, action: 'manual_transfer' | 'dismiss'): Promise<Target> {
  const reference = action === 'manual_transfer' ? { reference: 'transfer-1' } : {};
  expectAccepted(await stage.holdfast.resolveRefund(refundId, { action, actor: 'op-1', ...reference }));
  return stage.end(workflowIds.refund(refundId));
}

/** Every way a refund ends. */
export const refundPaths: readonly Path[] = [
  {
    name: 'refund-confirmed-at-once',
    play: async (stage) => watched(stage, (await refund(stage, 'succeeded')).refundId),
  },
  {
    name: 'refund-pending-then-confirmed-by-asking',
    async play(stage) {
      stage.world.simulator.setNextRefund({ kind: 'pending', then: 'succeed', afterMs: 3 * DAY_MS });
      const { refundId } = await refund(stage, 'pending');
      stage.world.simulator.setWebhookFaults({ dropTypes: ['*'] });
      await forwardRefund(refundId, 4 * DAY_MS);
      return watched(stage, refundId);
    },
  },
  {
    name: 'refund-failed-after-success-settled-by-hand',
    async play(stage) {
      const afterMs = 5 * DAY_MS;
      stage.world.simulator.setNextRefund({ kind: 'fail_after', afterMs, failureReason: 'lost_or_stolen_card' });
      const { refundId } = await refund(stage, 'succeeded');
      await forwardRefund(refundId, 8 * DAY_MS);
      await refundIn(stage.world, refundId, 'failed');
      return settled(stage, refundId, 'manual_transfer');
    },
  },
  {
    name: 'refund-failed-and-made-again',
    async play(stage) {
      stage.world.simulator.setNextRefund({ kind: 'pending', then: 'fail', afterMs: HOUR_MS });
      const { refundId } = await refund(stage, 'pending');
      await forwardRefund(refundId, 3 * HOUR_MS);
      await refundIn(stage.world, refundId, 'failed');
      expectAccepted(await stage.holdfast.resolveRefund(refundId, { action: 'another_refund', actor: 'op-1' }));
      await refundIn(stage.world, `${refundId}-2`, 'succeeded');
      return stage.end(workflowIds.refund(refundId));
    },
  },
  {
    name: 'refund-that-waits-for-the-customer-canceled',
    async play(stage) {
      stage.world.simulator.setNextRefund({ kind: 'requires_action', then: 'stay' });
      const { refundId } = await refund(stage, 'requires_action');
      expectAccepted(await stage.holdfast.cancelRefund(refundId, { actor: 'op-1' }));
      await refundIn(stage.world, refundId, 'canceled', 'failed');
      // What the provider has taken back is still owed.
      return settled(stage, refundId, 'manual_transfer');
    },
  },
  {
    name: 'refund-waiting-for-a-capture',
    async play(stage) {
      const { faults } = stage.world.simulator;
      const orderId = await stage.place();
      const held = faults.add({ match: { pathPattern: '/capture$' }, action: { kind: 'hold', when: 'after' } });
      const shipping = stage.holdfast.ship(orderId, stage.everything());
      await faults.untilHeld(held);
      const refundId = await ask(stage, orderId);
      await refundIn(stage.world, refundId, 'waiting');
      faults.release(held);
      expectAccepted(await shipping);
      await forwardRefund(refundId, 30 * MINUTE_MS);
      return watched(stage, refundId);
    },
  },
  {
    name: 'refund-taken-back-since-disputed',
    async play(stage) {
      stage.world.simulator.setNextRefund({ kind: 'requires_action', then: 'stay' });
      const { orderId, refundId } = await refund(stage, 'requires_action');
      // An inquiry takes no money: the refund stands until it is taken back.
      const disputeId = await stage.disputes.opened(orderId, { kind: 'inquiry' });
      await refundIn(stage.world, refundId, 'canceled', 'failed');
      stage.world.simulator.decideDispute(disputeId, 'warning_closed');
      await stage.disputes.endOf(disputeId);
      return settled(stage, refundId, 'dismiss');
    },
  },
  {
    name: 'refund-made-elsewhere',
    async play(stage) {
      const orderId = await shipped(stage);
      const payment = stage.disputes.paymentOf(orderId);
      const { id } = await stage.world.dependencies.stripe.refunds.create({ payment_intent: payment, amount: 500 });
      return watched(stage, id);
    },
  },
  {
    name: 'refund-overdue',
    async play(stage) {
      stage.world.simulator.setNextRefund({ kind: 'pending', then: 'stay' });
      const { orderId, refundId } = await refund(stage, 'pending');
      await forwardRefund(refundId, 11 * DAY_MS);
      await eventually('a person to be told', async () => (await refundExceptions(stage.world, refundId)).length === 1);
      stage.world.simulator.settleRefund(providerRefundsOf(stage.world, orderId)[0]?.id ?? '', 'succeeded');
      return watched(stage, refundId);
    },
  },
  {
    name: 'refund-of-unknown-outcome-looked-up',
    faults: [{ activity: 'sendRefund', when: 'after', type: failureTypes.unknownOutcome }],
    async play(stage) {
      stage.world.simulator.setWebhookFaults({ dropTypes: ['*'] });
      const refundId = await ask(stage, await shipped(stage));
      await forwardRefund(refundId, 30 * MINUTE_MS);
      return watched(stage, refundId);
    },
  },
  {
    name: 'refund-refused',
    async play(stage) {
      const orderId = await shipped(stage);
      expectRefused(await stage.holdfast.refund(orderId, { amount: 7_971, reason }), 'exceeds_refundable');
      const refused = await eventually('the refusal to be recorded by Temporal', async () => {
        const query = `WorkflowType = 'refund' AND TaskQueue = '${stage.world.taskQueue}'`;
        for await (const found of stage.world.client.workflow.list({ query })) return found;
        return undefined;
      });
      return stage.end(refused.workflowId);
    },
  },
  {
    name: 'order-whose-money-goes-back',
    async play(stage) {
      const orderId = await shipped(stage);
      const refundId = await ask(stage, orderId);
      await refundIn(stage.world, refundId, 'succeeded');
      await stage.until(orderId, (view) => view.amounts.refunded === 1_000);
      return stage.deliver(orderId);
    },
  },
];
