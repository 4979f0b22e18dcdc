import { workflowIds } from '../../workflows/kit/names';
import { DAY_MS, expectAccepted, expectRefused, HOUR_MS } from './stage';
import type { Path, Stage, Target } from './stage';

/** A dispute that waits for a person, of an order whose teapot has not shipped or has. */
async function open(stage: Stage, shipped: 'part' | 'all', kind: 'dispute' | 'inquiry' = 'dispute') {
  const orderId = await stage.disputes.shippedOrder(shipped);
  return { orderId, disputeId: await stage.disputes.opened(orderId, { kind }) };
}

/** The bank decides. */
async function decided(stage: Stage, disputeId: string, outcome: 'won' | 'lost' | 'warning_closed'): Promise<Target> {
  stage.world.simulator.decideDispute(disputeId, outcome);
  return stage.end(workflowIds.dispute(disputeId));
}

/** Every way a dispute ends, and what it makes of its order. */
export const disputePaths: readonly Path[] = [
  {
    name: 'dispute-submitted-and-won',
    async play(stage) {
      const { disputeId } = await open(stage, 'part');
      expectAccepted(await stage.disputes.decide(disputeId, { uncategorizedText: 'winning_evidence' }));
      await stage.disputes.forward(disputeId, HOUR_MS);
      return stage.end(workflowIds.dispute(disputeId));
    },
  },
  {
    name: 'dispute-submitted-and-lost-weeks-later',
    async play(stage) {
      const { disputeId } = await open(stage, 'all');
      expectAccepted(await stage.disputes.decide(disputeId));
      await stage.disputes.forward(disputeId, 65 * DAY_MS);
      return stage.end(workflowIds.dispute(disputeId));
    },
  },
  {
    name: 'dispute-accepted',
    async play(stage) {
      const { disputeId } = await open(stage, 'all');
      expectAccepted(await stage.disputes.decide(disputeId, { action: 'accept' }));
      return stage.end(workflowIds.dispute(disputeId));
    },
  },
  {
    name: 'dispute-deadline-without-a-person',
    async play(stage) {
      const { disputeId } = await open(stage, 'all');
      await stage.disputes.forwardToDeadline(disputeId, 71 * HOUR_MS);
      await stage.disputes.forwardToDeadline(disputeId, 23 * HOUR_MS);
      await stage.disputes.forwardToDeadline(disputeId, HOUR_MS);
      expectRefused(await stage.disputes.decide(disputeId, { action: 'accept' }), 'already_decided');
      return decided(stage, disputeId, 'lost');
    },
  },
  {
    name: 'dispute-left-to-its-deadline',
    disputes: { onDeadline: 'leave' },
    async play(stage) {
      const { disputeId } = await open(stage, 'all');
      await stage.disputes.forwardToDeadline(disputeId, -HOUR_MS);
      return stage.end(workflowIds.dispute(disputeId));
    },
  },
  {
    name: 'dispute-inquiry-closed',
    async play(stage) {
      const { disputeId } = await open(stage, 'all', 'inquiry');
      expectAccepted(await stage.disputes.decide(disputeId));
      return decided(stage, disputeId, 'warning_closed');
    },
  },
  {
    name: 'dispute-inquiry-escalated',
    async play(stage) {
      const { disputeId } = await open(stage, 'part', 'inquiry');
      expectAccepted(await stage.disputes.decide(disputeId));
      stage.world.simulator.escalateInquiry(disputeId);
      const isAsked = (round: number, collected?: string): boolean => round === 2 && collected !== undefined;
      await stage.disputes.until(disputeId, 'the second round', (one) => isAsked(one.round, one.evidenceCollectedAt));
      expectAccepted(await stage.disputes.decide(disputeId));
      return decided(stage, disputeId, 'won');
    },
  },
  {
    name: 'dispute-first-heard-when-closed',
    async play(stage) {
      const orderId = await stage.disputes.shippedOrder('all');
      stage.world.simulator.setWebhookFaults({ dropTypes: ['*'] });
      const disputeId = stage.disputes.open(orderId);
      stage.world.simulator.decideDispute(disputeId, 'lost');
      await stage.disputes.wake(disputeId);
      return stage.end(workflowIds.dispute(disputeId));
    },
  },
  {
    name: 'dispute-unknown',
    async play(stage) {
      await stage.disputes.wake('du_nobody');
      return stage.end(workflowIds.dispute('du_nobody'));
    },
  },
  {
    name: 'order-disputed-refuses-a-parcel',
    async play(stage) {
      const { orderId, disputeId } = await open(stage, 'part');
      expectRefused(await stage.holdfast.ship(orderId, stage.teapot()), 'disputed');
      expectAccepted(await stage.disputes.decide(disputeId, { uncategorizedText: 'winning_evidence' }));
      await stage.disputes.forward(disputeId, HOUR_MS);
      await stage.end(workflowIds.dispute(disputeId));
      return stage.shipAndDeliver(orderId, stage.teapot());
    },
  },
  {
    name: 'order-disputed-and-lost',
    async play(stage) {
      const { orderId, disputeId } = await open(stage, 'part');
      expectAccepted(await stage.disputes.decide(disputeId, { action: 'accept' }));
      await stage.end(workflowIds.dispute(disputeId));
      await stage.until(orderId, (view) => view.exception?.kind === 'dispute_lost');
      expectAccepted(await stage.holdfast.cancel(orderId, { reason: 'dispute_lost' }));
      return stage.deliver(orderId);
    },
  },
];
