import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { MAX_LOST_HOLDS } from '../../../activities/storage/payments/attempt-step';
import { failureTypes } from '../../../workflows/domain/shared/errors';
import { workflowIds, workflowTypes } from '../../../workflows/kit/names';
import { everything, mugs, shopForThisFile } from '../../support/shop';
import { eventually } from '../../support/time/eventually';
import { violations } from '../../support/invariants/invariants';
import { withWorld } from '../../support/invariants/with-world';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

// What becomes of holds that nothing ends by itself: limits, failures and people.
const { world, shop } = shopForThisFile();

describe('a card hold', () => {
  it('of an order that does not ship in time raises an exception for the warehouse, until the order ships', async () => {
    await withWorld({}, async (own) => {
      const orderId = await shop.place({}, own);
      await shop.forward(orderId, 15 * DAY_MS);
      expect(await shop.view(orderId, own)).toMatchObject({
        paymentState: 'authorized',
        exception: { kind: 'shipment_overdue', owner: 'warehouse' },
      });
      const stuck = await own.dependencies.queries.listStuck({ now: new Date().toISOString() });
      expect(stuck.map((one) => one.orderId)).toContain(orderId);
      expect(await own.holdfast.ship(orderId, everything())).toMatchObject({ accepted: true, state: 'shipped' });
      expect((await shop.view(orderId, own)).exception).toBeUndefined();
    });
  });

  it('is not renewed for ever: a person decides, and without a decision the order ends', async () => {
    await withWorld({ policy: { holdLimitMs: 10 * DAY_MS } }, async (own) => {
      const orderId = await shop.place({}, own);
      await shop.forwardToEndOfHold(orderId, HOUR_MS, own);
      expect(await shop.view(orderId, own)).toMatchObject({ paymentState: 'authorized' });
      await shop.forwardToEndOfHold(orderId, HOUR_MS, own);
      expect(await shop.view(orderId, own)).toMatchObject({
        exception: { kind: 'hold_decision' },
        waitingOn: 'approver',
      });
      await shop.forwardToEndOfHold(orderId, -HOUR_MS, own);
      expect(await shop.view(orderId, own)).toMatchObject({ paymentState: 'payment_needed', waitingOn: 'customer' });
      await shop.forward(orderId, 3 * DAY_MS);
      expect(await shop.endOf(orderId, own)).toMatchObject({ state: 'cancelled' });
    });
  });

  it('that cannot be renewed while the bank is away does not keep a customer from cancelling', async () => {
    const away: ActivityInterceptorsFactory = ({ info }) => ({
      inbound: {
        async execute(input, next) {
          const [asked] = input.args as [{ attempt?: number }];
          if (info.activityType !== 'authorizePayment' || asked.attempt === 1) return next(input);
          throw ApplicationFailure.retryable('the bank is away', failureTypes.providerUnavailable);
        },
      },
    });
    await withWorld({ interceptors: { activity: [away] } }, async (own) => {
      const orderId = await shop.place({}, own);
      await shop.forwardToEndOfHold(orderId, 11 * HOUR_MS, own);
      expect(await own.holdfast.cancel(orderId, { reason: 'changed_mind' })).toMatchObject({ state: 'cancelled' });
      expect(shop.intentsOf(orderId, own).map((one) => one.status)).toEqual(['canceled']);
    });
  });

  it('that ended leaves the order with an owner, even if the customer cannot be asked at first', async () => {
    let asks = 0;
    let isBroken = true;
    const deaf: ActivityInterceptorsFactory = ({ info }) => ({
      inbound: {
        async execute(input, next) {
          if (info.activityType === 'requestPayment') asks += 1;
          // The first one is beside the old hold, which still stands.
          if (info.activityType !== 'requestPayment' || asks === 1 || !isBroken) return next(input);
          throw ApplicationFailure.nonRetryable('the answer was lost', failureTypes.unknownOutcome);
        },
      },
    });
    await withWorld({ interceptors: { activity: [deaf] } }, async (own) => {
      const orderId = await shop.place({}, own);
      own.simulator.issueDecision(shop.customerOf(orderId, own), 'insufficient_funds');
      await shop.forwardToEndOfHold(orderId, -10_000, own);
      expect(await shop.view(orderId, own)).toMatchObject({ paymentState: 'expired', waitingOn: 'provider' });
      expect(await violations(own)).toEqual([]);
      await shop.forward(orderId, 5 * 60_000);
      expect(await shop.view(orderId, own)).toMatchObject({ exception: { kind: 'step_failed', owner: 'operations' } });
      isBroken = false;
      await shop.forward(orderId, 11 * 60_000);
      const asked = await shop.view(orderId, own);
      expect(asked).toMatchObject({ paymentState: 'payment_needed', waitingOn: 'customer' });
      expect(asked.exception).toBeUndefined();
    });
  });

  it('that is lost again and again is not replaced for ever: a person decides', async () => {
    await withWorld({}, async (own) => {
      const orderId = await shop.place({}, own);
      const states = () => shop.intentsOf(orderId, own).map((one) => one.status);
      for (let losses = 1; losses <= MAX_LOST_HOLDS; losses += 1) {
        own.simulator.clock.advanceBy(8 * DAY_MS);
        const holds = losses < MAX_LOST_HOLDS ? losses + 1 : losses;
        await eventually('the loss to be seen', async () => {
          const { captureBefore, exception } = await shop.view(orderId, own);
          const isOver = losses < MAX_LOST_HOLDS ? captureBefore !== null : exception !== undefined;
          return isOver && states().filter((one) => one === 'canceled').length === losses && states().length === holds;
        });
      }
      expect(await shop.view(orderId, own)).toMatchObject({
        waitingOn: 'approver',
        exception: { kind: 'hold_cancelled', owner: 'payments' },
      });
      expect(await own.holdfast.ship(orderId, mugs(1))).toMatchObject({ reason: 'payment_cancelled' });
      expect(states()).toEqual(Array.from({ length: MAX_LOST_HOLDS }, () => 'canceled'));
      expect(await own.holdfast.decideHold(orderId, { action: 'reauthorize' })).toMatchObject({ accepted: true });
      expect(await own.holdfast.ship(orderId, everything())).toMatchObject({ accepted: true, state: 'shipped' });
    });
  });

  it('that could not be voided is closed by the run that follows', async () => {
    const orderId = await shop.place();
    const { activities } = world().dependencies;
    const workflowId = workflowIds.order(orderId);
    await activities.raiseException({ orderId, workflowId, kind: 'void_failed', message: 'm', owner: 'payments' });
    await world().client.workflow.getHandle(workflowId).terminate();
    const { taskQueue } = world();
    await world().client.workflow.start(workflowTypes.order, {
      workflowId,
      taskQueue,
      args: [{ orderId, letGoFailed: true }],
    });
    await eventually('the exception to be closed', async () => (await shop.view(orderId)).exception === undefined);
    expect(await world().holdfast.ship(orderId, everything())).toMatchObject({ accepted: true });
  });
});
