import { createStripeClient } from '../../../activities/stripe';
import type { World } from '../../support/world';
import { eventually } from '../../support/time/eventually';
import { violations } from '../../support/invariants/invariants';
import { mugs, parcel, shopForThisFile } from '../../support/shop';
import { createWorld } from '../../support/world';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const { world, shop } = shopForThisFile();

const stripeOf = (where: World = world()) =>
  createStripeClient({ secretKey: where.simulator.secretKey, apiUrl: where.simulator.url });

/** What a person does by hand in Stripe's dashboard. */
const dashboard = (where: World = world()) => stripeOf(where).paymentIntents;

async function openKinds(orderId: string, where: World): Promise<string[]> {
  const text = 'SELECT kind FROM exceptions WHERE order_id = $1 AND resolved_at IS NULL';
  const { rows } = await where.dependencies.pool.query(text, [orderId]);
  return (rows as { kind: string }[]).map((one) => one.kind);
}

const teapot = () => parcel([{ sku: 'TEAPOT-1L', quantity: 1 }]);

const taken = (orderId: string, where: World = world()): number =>
  shop.intentsOf(orderId, where).reduce((sum, one) => sum + one.amount_received, 0);

const openIntent = (orderId: string, where: World = world()): string => {
  const open = shop.intentsOf(orderId, where).filter((one) => one.status === 'requires_capture');
  if (open.length !== 1) throw new Error(`${open.length} holds are open`);
  return open[0]?.id ?? '';
};

async function withWorld(options: Parameters<typeof createWorld>[0], body: (own: World) => Promise<void>) {
  const own = await createWorld(options);
  try {
    await body(own);
  } finally {
    await own.close();
  }
}

/** An order of two mugs (25.80), a teapot (39.00), shipping (4.90) and tax (10.00): 79.70 in all. */
const TOTAL = 7970;

describe('money that was captured in the dashboard', () => {
  it('counts against what is owed when everything ships: 79.70 in all', async () => {
    const orderId = await shop.place();
    await dashboard().capture(openIntent(orderId), { amount_to_capture: 1000 });
    await eventually('the capture to be recorded', async () => (await shop.view(orderId)).amounts.captured === 1000);
    await eventually('a hold for the rest', async () => (await shop.view(orderId)).captureBefore !== null);
    const message = expect.stringContaining('10.00 EUR of pi_') as string;
    expect((await shop.view(orderId)).exception).toMatchObject({
      kind: 'external_capture',
      owner: 'payments',
      message,
    });
    expect(await world().holdfast.ship(orderId, mugs(2))).toMatchObject({ accepted: true });
    expect(await world().holdfast.ship(orderId, teapot())).toMatchObject({ accepted: true, state: 'shipped' });
    expect(taken(orderId)).toBe(TOTAL);
    const view = await shop.view(orderId);
    expect(view.shipments.reduce((sum, one) => sum + one.amount, 0)).toBe(TOTAL);
    expect(view.exception).toBeUndefined();
  });

  it('does not keep an order from being cancelled once it was refunded', async () => {
    const orderId = await shop.place();
    await dashboard().capture(openIntent(orderId), { amount_to_capture: 1000 });
    await eventually('the capture to be recorded', async () => (await shop.view(orderId)).amounts.captured === 1000);
    await world().holdfast.refund(orderId, { amount: 1000, reason: 'taken by mistake' });
    await eventually('the refund to be confirmed', async () => (await shop.view(orderId)).amounts.refunded === 1000);
    expect(await world().holdfast.cancel(orderId, { reason: 'not wanted' })).toMatchObject({
      accepted: true,
      state: 'cancelled',
    });
    expect(await shop.view(orderId)).toMatchObject({ paymentState: 'captured', amounts: { heldNow: 0 } });
  });

  it('and refunded there is a decision: no new hold is made, and a person gets an exception', async () => {
    await withWorld({}, async (own) => {
      const orderId = await shop.place({}, own);
      own.simulator.issueDecision(shop.customerOf(orderId, own), 'insufficient_funds');
      const paymentIntent = openIntent(orderId, own);
      await dashboard(own).capture(paymentIntent, { amount_to_capture: 1000 });
      await eventually(
        'the customer to be asked',
        async () => (await shop.view(orderId, own)).waitingOn === 'customer',
      );
      const asked = shop.intentsOf(orderId, own).length;
      await stripeOf(own).refunds.create({ payment_intent: paymentIntent });
      await eventually(
        'the refund to be booked',
        async () => (await shop.view(orderId, own)).amounts.refunded === 1000,
      );
      const refused = { accepted: false, reason: 'refunded' };
      const brought = await own.holdfast.renewPayment(orderId, { paymentMethod: 'pm_card_mastercard' });
      expect(brought).toMatchObject(refused);
      expect(shop.intentsOf(orderId, own)).toHaveLength(asked);
      expect(await own.holdfast.cancel(orderId, { reason: 'not wanted' })).toMatchObject({ state: 'cancelled' });
    });
  });

  it('and refunded during a new hold is not held a third time: a person decides before that hold ends', async () => {
    await withWorld({}, async (own) => {
      const orderId = await shop.place({}, own);
      const paymentIntent = openIntent(orderId, own);
      await dashboard(own).capture(paymentIntent, { amount_to_capture: 1000 });
      await eventually('a hold for the rest', async () => {
        const { amounts, captureBefore } = await shop.view(orderId, own);
        return amounts.captured === 1000 && captureBefore !== null;
      });
      await stripeOf(own).refunds.create({ payment_intent: paymentIntent });
      await eventually(
        'the refund to be booked',
        async () => (await shop.view(orderId, own)).amounts.refunded === 1000,
      );
      await shop.forwardToEndOfHold(orderId, -HOUR_MS, own);
      expect(shop.intentsOf(orderId, own).map((one) => one.status)).toEqual(['succeeded', 'canceled']);
      expect((await openKinds(orderId, own)).sort()).toEqual(['external_capture', 'hold_stopped']);
      expect(await own.holdfast.decideHold(orderId, { action: 'reauthorize' })).toMatchObject({ reason: 'refunded' });
      expect(await own.holdfast.decideHold(orderId, { action: 'cancel' })).toMatchObject({ state: 'cancelled' });
      expect(await openKinds(orderId, own)).not.toContain('hold_stopped');
    });
  });

  it('counts although no webhook had arrived when the order ships', async () => {
    const orderId = await shop.place();
    world().simulator.setWebhookFaults({ hold: true });
    await dashboard().capture(openIntent(orderId), { amount_to_capture: 1000 });
    expect(await world().holdfast.ship(orderId, mugs(2))).toMatchObject({ accepted: true });
    world().simulator.setWebhookFaults({});
    world().simulator.releaseWebhooks();
    expect(await world().holdfast.ship(orderId, teapot())).toMatchObject({ accepted: true, state: 'shipped' });
    expect(taken(orderId)).toBe(TOTAL);
  });

  it('pays for a parcel alone when it exceeds what the parcel costs', async () => {
    const orderId = await shop.place();
    await dashboard().capture(openIntent(orderId), { amount_to_capture: 5000 });
    await eventually('a hold for the rest', async () => {
      const { amounts, captureBefore } = await shop.view(orderId);
      return amounts.captured === 5000 && captureBefore !== null;
    });
    expect(await world().holdfast.ship(orderId, mugs(2))).toMatchObject({ accepted: true, capturedAmount: 0 });
    expect(taken(orderId)).toBe(5000);
    expect(await world().holdfast.ship(orderId, teapot())).toMatchObject({ accepted: true, state: 'shipped' });
    expect(taken(orderId)).toBe(TOTAL);
  });

  it('pays for the whole order when it is the whole amount', async () => {
    const orderId = await shop.place();
    await dashboard().capture(openIntent(orderId));
    await eventually('the order to be paid', async () => (await shop.view(orderId)).paymentState === 'captured');
    expect(await world().holdfast.ship(orderId, mugs(2))).toMatchObject({ accepted: true });
    expect(await world().holdfast.ship(orderId, teapot())).toMatchObject({ accepted: true, state: 'shipped' });
    expect(taken(orderId)).toBe(TOTAL);
  });

  it('needs a refund before the order can be cancelled, and the refused cancel blocks no other command', async () => {
    const orderId = await shop.place();
    await dashboard().capture(openIntent(orderId), { amount_to_capture: 1000 });
    await eventually('a hold for the rest', async () => {
      const { amounts, captureBefore } = await shop.view(orderId);
      return amounts.captured === 1000 && captureBefore !== null;
    });
    expect(await world().holdfast.cancel(orderId, { reason: 'customer' })).toMatchObject({
      accepted: false,
      reason: 'captured_needs_refund',
    });
    expect(await world().holdfast.ship(orderId, mugs(1))).toMatchObject({ accepted: true });
  });

  it('is seen with every capture when a hold allows several', async () => {
    await withWorld({ simulator: { multicapture: true } }, async (own) => {
      const orderId = await shop.place({}, own);
      const intent = openIntent(orderId, own);
      expect(await own.holdfast.ship(orderId, mugs(1))).toMatchObject({ accepted: true });
      await dashboard(own).capture(intent, { amount_to_capture: 1000, final_capture: false });
      expect(await own.holdfast.ship(orderId, mugs(1))).toMatchObject({ accepted: true });
      expect(await own.holdfast.ship(orderId, teapot())).toMatchObject({ accepted: true, state: 'shipped' });
      expect(taken(orderId, own)).toBe(TOTAL);
      expect(shop.intentsOf(orderId, own)).toHaveLength(1);
      expect(await violations(own)).toEqual([]);
    });
  });

  it('is seen when it leaves less than the order still costs', async () => {
    await withWorld({ simulator: { multicapture: true } }, async (own) => {
      const orderId = await shop.place({}, own);
      await dashboard(own).capture(openIntent(orderId, own), { amount_to_capture: 1000, final_capture: false });
      const all = parcel([
        { sku: 'MUG-BLUE', quantity: 2 },
        { sku: 'TEAPOT-1L', quantity: 1 },
      ]);
      expect(await own.holdfast.ship(orderId, all)).toMatchObject({ accepted: true, state: 'shipped' });
      expect(taken(orderId, own)).toBe(TOTAL);
      expect(await violations(own)).toEqual([]);
    });
  });
});

describe('a hold that a person cancelled in the dashboard', () => {
  it.each(['fraudulent', 'requested_by_customer', 'duplicate', 'abandoned', undefined] as const)(
    'with the reason %s stops shipping until a person decides',
    async (reason) => {
      const orderId = await shop.place();
      await dashboard().cancel(openIntent(orderId), reason === undefined ? {} : { cancellation_reason: reason });
      await eventually('a person to be asked', async () => (await shop.view(orderId)).exception !== undefined);
      expect(await shop.view(orderId)).toMatchObject({
        exception: { kind: 'hold_cancelled', owner: 'payments' },
        waitingOn: 'approver',
      });
      expect(await world().holdfast.ship(orderId, mugs(1))).toMatchObject({
        accepted: false,
        reason: 'payment_cancelled',
      });
      await shop.forward(orderId, 3 * DAY_MS);
      expect(shop.intentsOf(orderId).map((one) => one.status)).toEqual(['canceled']);
    },
  );

  it('is requested again when a person decides so', async () => {
    const orderId = await shop.place();
    await dashboard().cancel(openIntent(orderId), { cancellation_reason: 'fraudulent' });
    await eventually('a person to be asked', async () => (await shop.view(orderId)).exception !== undefined);
    expect(await world().holdfast.decideHold(orderId, { action: 'reauthorize' })).toMatchObject({ accepted: true });
    expect((await shop.view(orderId)).exception).toBeUndefined();
    expect(await world().holdfast.ship(orderId, mugs(2))).toMatchObject({ accepted: true });
  });

  it('ends the order when a person decides so', async () => {
    const orderId = await shop.place();
    await dashboard().cancel(openIntent(orderId), { cancellation_reason: 'fraudulent' });
    await eventually('a person to be asked', async () => (await shop.view(orderId)).exception !== undefined);
    expect(await world().holdfast.decideHold(orderId, { action: 'cancel' })).toMatchObject({ state: 'cancelled' });
    expect((await shop.view(orderId)).exception).toBeUndefined();
  });

  it('is replaced by a hold on the payment method that the customer provides', async () => {
    const orderId = await shop.place();
    await dashboard().cancel(openIntent(orderId), { cancellation_reason: 'requested_by_customer' });
    await eventually('a person to be asked', async () => (await shop.view(orderId)).exception !== undefined);
    expect(await world().holdfast.renewPayment(orderId, { paymentMethod: 'pm_card_mastercard' })).toMatchObject({
      state: 'authorized',
    });
    expect((await shop.view(orderId)).exception).toBeUndefined();
    expect(await world().holdfast.ship(orderId, mugs(2))).toMatchObject({ accepted: true });
  });

  it('is noticed by the next shipment when every webhook is lost', async () => {
    const orderId = await shop.place();
    world().simulator.setWebhookFaults({ hold: true });
    await dashboard().cancel(openIntent(orderId), { cancellation_reason: 'fraudulent' });
    expect(await world().holdfast.ship(orderId, mugs(2))).toMatchObject({
      accepted: false,
      reason: 'payment_cancelled',
    });
    world().simulator.setWebhookFaults({});
    world().simulator.releaseWebhooks();
    expect(taken(orderId)).toBe(0);
    expect(shop.intentsOf(orderId)).toHaveLength(1);
  });
});
