import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { failureTypes } from '../../../workflows/domain/shared/errors';
import { everything, mugs, parcel, shopForThisFile } from '../../support/shop';
import { eventually } from '../../support/time/eventually';
import { violations } from '../../support/invariants/invariants';
import { withWorld } from '../../support/invariants/with-world';
import { createWorld } from '../../support/world';
import type { World } from '../../support/world';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const { world, shop } = shopForThisFile();

/** How often the customer was asked for another payment. */
async function askedOf(orderId: string, where: World = world()): Promise<number> {
  const text = `SELECT 1 FROM outbox WHERE order_id = $1 AND type = 'PaymentActionRequired'`;
  return (await where.dependencies.pool.query(text, [orderId])).rows.length;
}

/** A card with the money for one hold at a time: a second one is declined while the first stands. */
const oneHold = { paymentMethod: 'pm_card_oneHoldOnly' };

describe('a card hold', () => {
  it('is announced to the shop, then renewed before it ends; the old hold is voided after the new one is made', async () => {
    const orderId = await shop.place();
    await shop.forwardToEndOfHold(orderId, 47 * HOUR_MS);
    const { rows } = await world().dependencies.pool.query(
      `SELECT type FROM outbox WHERE order_id = $1 AND type = 'HoldExpiring'`,
      [orderId],
    );
    expect(rows).toHaveLength(1);
    await shop.forwardToEndOfHold(orderId, HOUR_MS);
    expect(shop.intentsOf(orderId).map((one) => one.status)).toEqual(['canceled', 'requires_capture']);
    expect(await shop.view(orderId)).toMatchObject({ paymentState: 'authorized', waitingOn: 'warehouse' });
    expect(await world().holdfast.ship(orderId, mugs(2))).toMatchObject({ accepted: true });
  });

  it.each([
    ['6 days and 23 hours', HOUR_MS],
    ['7 days', 0],
    ['7 days and a second', -1_000],
  ])('of 7 days still ships after %s', async (_name, beforeMs) => {
    const orderId = await shop.place();
    await shop.forwardToEndOfHold(orderId, beforeMs);
    const all = everything();
    expect(await world().holdfast.ship(orderId, all)).toMatchObject({ accepted: true, state: 'shipped' });
  });

  it('that the bank does not renew ships until it ends, then asks the customer, and ends the order at the deadline', async () => {
    const orderId = await shop.place();
    world().simulator.issueDecision(shop.customerOf(orderId), 'insufficient_funds');
    await shop.forwardToEndOfHold(orderId, 11 * HOUR_MS);
    expect(await shop.view(orderId)).toMatchObject({ paymentState: 'authorized', waitingOn: 'warehouse' });
    expect(await askedOf(orderId)).toBe(1);
    await shop.forwardToEndOfHold(orderId, -HOUR_MS);
    expect(await shop.view(orderId)).toMatchObject({ paymentState: 'payment_needed', waitingOn: 'customer' });
    expect(await world().holdfast.ship(orderId, mugs(1))).toMatchObject({ accepted: false, reason: 'payment_needed' });
    await shop.forward(orderId, 2 * DAY_MS + HOUR_MS);
    expect(await shop.endOf(orderId)).toMatchObject({ state: 'cancelled' });
    expect(shop.intentsOf(orderId).every((one) => one.status === 'canceled')).toBe(true);
  });

  it('that the bank does not renew is renewed by the customer with another card', async () => {
    const orderId = await shop.place();
    world().simulator.issueDecision(shop.customerOf(orderId), 'insufficient_funds');
    await shop.forwardToEndOfHold(orderId, 11 * HOUR_MS);
    const declined = { accepted: true, state: 'declined', declineCode: 'generic_decline' };
    const bad = { paymentMethod: 'pm_card_visa_chargeDeclined' };
    expect(await world().holdfast.renewPayment(orderId, bad)).toMatchObject(declined);
    expect(await world().holdfast.renewPayment(orderId, { paymentMethod: 'pm_nonsense' })).toMatchObject({
      state: 'declined',
      declineCode: 'invalid_payment_method',
    });
    expect(await world().holdfast.renewPayment(orderId, { paymentMethod: 'pm_card_mastercard' })).toMatchObject({
      accepted: true,
      state: 'authorized',
    });
    expect(await world().holdfast.ship(orderId, mugs(2))).toMatchObject({ accepted: true });
  });

  it('that ended unnoticed is discovered and renewed when it should be captured', async () => {
    const deaf = await createWorld({ policy: { onHoldExpiring: 'ask' } });
    try {
      const orderId = await shop.place({}, deaf);
      deaf.simulator.setWebhookEndpoint(undefined);
      deaf.simulator.clock.advanceBy(8 * DAY_MS);
      const answer = await deaf.holdfast.ship(orderId, everything());
      expect(answer).toMatchObject({ accepted: true, state: 'shipped' });
      expect(shop.intentsOf(orderId, deaf).map((one) => one.status)).toEqual(['canceled', 'succeeded']);
      expect(await violations(deaf)).toEqual([]);
    } finally {
      await deaf.close();
    }
  });

  it('that ends while the outcome of a capture is unknown lets nothing ship unpaid', async () => {
    let failed = false;
    const failOnce: ActivityInterceptorsFactory = ({ info }) => ({
      inbound: {
        async execute(input, next) {
          if (info.activityType !== 'capturePayment' || failed) return next(input);
          failed = true;
          throw ApplicationFailure.nonRetryable('the answer was lost', failureTypes.unknownOutcome);
        },
      },
    });
    const lossy = await createWorld({ interceptors: { activity: [failOnce] } });
    try {
      const orderId = await shop.place({}, lossy);
      const all = everything();
      expect(await lossy.holdfast.ship(orderId, all)).toMatchObject({ accepted: false, reason: 'outcome_unknown' });
      lossy.simulator.setWebhookEndpoint(undefined);
      lossy.simulator.clock.advanceBy(8 * DAY_MS);
      expect(await lossy.holdfast.ship(orderId, all)).toMatchObject({ accepted: true, state: 'shipped' });
      expect(shop.intentsOf(orderId, lossy).map((one) => one.status)).toEqual(['canceled', 'succeeded']);
      expect(await violations(lossy)).toEqual([]);
    } finally {
      await lossy.close();
    }
  });

  it('waits for a person under that policy, and for the customer when no person decides', async () => {
    const asking = await createWorld({ policy: { onHoldExpiring: 'ask' } });
    try {
      const orderId = await shop.place({}, asking);
      await shop.forward(orderId, 7 * DAY_MS - 11 * HOUR_MS);
      expect(await shop.view(orderId, asking)).toMatchObject({
        waitingOn: 'approver',
        exception: { kind: 'hold_decision' },
      });
      expect(await asking.holdfast.decideHold(orderId, { action: 'reauthorize' })).toMatchObject({ accepted: true });
      expect(await shop.view(orderId, asking)).toMatchObject({ waitingOn: 'warehouse', paymentState: 'authorized' });
      await shop.forwardToEndOfHold(orderId, -HOUR_MS, asking);
      expect(await shop.view(orderId, asking)).toMatchObject({ waitingOn: 'customer', paymentState: 'payment_needed' });
    } finally {
      await asking.close();
    }
  });

  it('is captured under that policy', async () => {
    const capturing = await createWorld({ policy: { onHoldExpiring: 'capture' } });
    try {
      const orderId = await shop.place({}, capturing);
      await shop.forward(orderId, 7 * DAY_MS);
      expect(await shop.view(orderId, capturing)).toMatchObject({ state: 'paid', paymentState: 'captured' });
      await shop.forward(orderId, 8 * DAY_MS);
      expect(await shop.view(orderId, capturing)).toMatchObject({ exception: { kind: 'shipment_overdue' } });
    } finally {
      await capturing.close();
    }
  });

  describe('on a card that cannot carry two holds', () => {
    it('ships under the old hold after the bank refused a new one', async () => {
      const orderId = await shop.place(oneHold);
      await shop.forwardToEndOfHold(orderId, 11 * HOUR_MS);
      expect(shop.intentsOf(orderId).map((one) => one.status)).toEqual(['requires_capture', 'requires_payment_method']);
      expect(await world().holdfast.ship(orderId, everything())).toMatchObject({ accepted: true, state: 'shipped' });
      expect(shop.intentsOf(orderId)[0]).toMatchObject({ status: 'succeeded', amount_received: 7970 });
    });

    it('is renewed when the old hold has ended', async () => {
      const orderId = await shop.place(oneHold);
      await shop.forwardToEndOfHold(orderId, -HOUR_MS);
      expect(await shop.view(orderId)).toMatchObject({ paymentState: 'authorized', waitingOn: 'warehouse' });
      expect(await world().holdfast.ship(orderId, mugs(2))).toMatchObject({ accepted: true });
    });

    it('is renewed by the customer during the old hold', async () => {
      const orderId = await shop.place(oneHold);
      await shop.forwardToEndOfHold(orderId, 11 * HOUR_MS);
      const answer = await world().holdfast.renewPayment(orderId, { paymentMethod: 'pm_card_mastercard' });
      expect(answer).toMatchObject({ accepted: true, state: 'authorized' });
      await eventually('the old hold to be voided', () => shop.intentsOf(orderId)[0]?.status === 'canceled');
      expect(await world().holdfast.ship(orderId, mugs(2))).toMatchObject({ accepted: true });
    });

    it('is renewed by the customer for what is left after a parcel under the old hold', async () => {
      await withWorld({ simulator: { multicapture: true } }, async (own) => {
        const orderId = await shop.place(oneHold, own);
        await shop.forwardToEndOfHold(orderId, 11 * HOUR_MS, own);
        expect(await own.holdfast.ship(orderId, mugs(2))).toMatchObject({ accepted: true });
        const answer = await own.holdfast.renewPayment(orderId, { paymentMethod: 'pm_card_mastercard' });
        expect(answer).toMatchObject({ accepted: true, state: 'authorized' });
        const { amounts } = await shop.view(orderId, own);
        const renewed = shop
          .intentsOf(orderId, own)
          .find((one) => one.amount_capturable > 0 && one.amount_received === 0);
        expect(renewed?.amount).toBe(7970 - amounts.captured);
        expect(await own.dependencies.queries.listExceptions()).toEqual([]);
        expect(await own.holdfast.ship(orderId, parcel([{ sku: 'TEAPOT-1L', quantity: 1 }]))).toMatchObject({
          accepted: true,
          state: 'shipped',
        });
      });
    });

    it('is voided first, near its end, under that policy', async () => {
      await withWorld({ policy: { onHoldExpiring: 'releaseThenRetry' } }, async (own) => {
        const orderId = await shop.place(oneHold, own);
        await shop.forwardToEndOfHold(orderId, 3 * HOUR_MS, own);
        expect(shop.intentsOf(orderId, own).map((one) => one.status)).toEqual(['requires_capture']);
        await shop.forwardToEndOfHold(orderId, HOUR_MS, own);
        expect(shop.intentsOf(orderId, own).map((one) => one.status)).toEqual(['canceled', 'requires_capture']);
        expect(await shop.view(orderId, own)).toMatchObject({ paymentState: 'authorized' });
        expect(await askedOf(orderId, own)).toBe(0);
      });
    });

    it('is captured before it ends under that policy', async () => {
      await withWorld({ policy: { onRenewalDeclined: 'capture' } }, async (own) => {
        const orderId = await shop.place(oneHold, own);
        await shop.forwardToEndOfHold(orderId, 3 * HOUR_MS, own);
        expect(await shop.view(orderId, own)).toMatchObject({ paymentState: 'authorized' });
        await shop.forwardToEndOfHold(orderId, HOUR_MS, own);
        expect(await shop.view(orderId, own)).toMatchObject({ paymentState: 'captured', state: 'paid' });
      });
    });

    it('is requested once, even if parcels leave meanwhile under a hold of several captures', async () => {
      await withWorld({ simulator: { multicapture: true } }, async (own) => {
        const orderId = await shop.place(oneHold, own);
        await shop.forwardToEndOfHold(orderId, 11 * HOUR_MS, own);
        expect(await own.holdfast.ship(orderId, mugs(1))).toMatchObject({ accepted: true });
        expect(await shop.view(orderId, own)).toMatchObject({ paymentState: 'partially_captured' });
        await shop.forwardToEndOfHold(orderId, 10 * HOUR_MS, own);
        expect(await askedOf(orderId, own)).toBe(1);
        expect(await own.holdfast.ship(orderId, mugs(1))).toMatchObject({ accepted: true });
      });
    });
  });
});
