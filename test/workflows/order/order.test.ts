import { sampleCart } from '../../support/carts';
import { eventually } from '../../support/time/eventually';
import { everything, hasWorkflow, mugs, parcel, shopForThisFile } from '../../support/shop';
import { violations } from '../../support/invariants/invariants';
import { createWorld } from '../../support/world';

const { world, shop } = shopForThisFile();

describe('shipping', () => {
  it('captures what ships and renews the hold for the rest', async () => {
    const orderId = await shop.place();
    const first = await world().holdfast.ship(orderId, mugs(1));
    expect(first).toMatchObject({
      accepted: true,
      capturedAmount: 1290 + 490 + 199,
      paymentState: 'partially_captured',
    });
    await eventually('the rest to be held', async () => shop.intentsOf(orderId).length === 2);
    const second = await world().holdfast.ship(
      orderId,
      parcel([
        { sku: 'MUG-BLUE', quantity: 1 },
        { sku: 'TEAPOT-1L', quantity: 1 },
      ]),
    );
    expect(second).toMatchObject({ accepted: true, state: 'shipped', paymentState: 'captured' });
    expect(await world().holdfast.deliver(orderId)).toMatchObject({ accepted: true, state: 'delivered' });
    expect(await shop.endOf(orderId)).toMatchObject({ state: 'delivered' });
    expect((await shop.view(orderId)).amounts.captured).toBe(7970);
  });

  it('keeps the rest of the hold when the charge allows multicapture', async () => {
    const generous = await createWorld({ simulator: { multicapture: true } });
    try {
      const orderId = await shop.place({}, generous);
      await generous.holdfast.ship(orderId, mugs(2));
      expect(await generous.holdfast.ship(orderId, parcel([{ sku: 'TEAPOT-1L', quantity: 1 }]))).toMatchObject({
        state: 'shipped',
      });
      expect(shop.intentsOf(orderId, generous)).toMatchObject([{ status: 'succeeded', amount_received: 7970 }]);
      expect(await violations(generous)).toEqual([]);
    } finally {
      await generous.close();
    }
  });

  it('cancels the rest of an order that shipped in part under a hold of several captures', async () => {
    const generous = await createWorld({ simulator: { multicapture: true } });
    try {
      const orderId = await shop.place({}, generous);
      await generous.holdfast.ship(orderId, mugs(2));
      const { captured } = (await shop.view(orderId, generous)).amounts;
      expect(await generous.holdfast.cancel(orderId, { reason: 'the rest is not wanted' })).toMatchObject({
        accepted: true,
        releasedAmount: 7970 - captured,
        cancelledLines: [{ sku: 'TEAPOT-1L', quantity: 1 }],
      });
      expect((await shop.view(orderId, generous)).amounts).toMatchObject({ captured, heldNow: 0 });
      expect(shop.intentsOf(orderId, generous)).toMatchObject([{ status: 'canceled', amount_received: captured }]);
      expect(await violations(generous)).toEqual([]);
    } finally {
      await generous.close();
    }
  });

  it('costs at most 45 history events from placed to delivered with one shipment', async () => {
    const cart = sampleCart();
    const answer = await world().holdfast.checkout(cart);
    if (answer.state !== 'placed') throw new Error(`not placed: ${JSON.stringify(answer)}`);
    const { orderId } = answer;
    await eventually('the order to have its workflow', () => hasWorkflow(world().client, orderId));
    await world().holdfast.ship(orderId, mugs(2));
    await world().simulator.flush();
    await world().holdfast.deliver(orderId);
    await shop.endOf(orderId);
    const histories = await Promise.all(
      [`checkout-${cart.cartId}`, `order-${orderId}`].map((id) => world().client.workflow.getHandle(id).fetchHistory()),
    );
    expect(histories.reduce((sum, history) => sum + (history.events?.length ?? 0), 0)).toBeLessThanOrEqual(45);
  });

  it('answers a parcel that is reported twice with the same shipment, captured once', async () => {
    const orderId = await shop.place();
    const one = mugs(2);
    const answers = await Promise.all([world().holdfast.ship(orderId, one), world().holdfast.ship(orderId, one)]);
    expect(answers[0]).toEqual(answers[1]);
    expect((await shop.view(orderId)).amounts.captured).toBe(2580 + 490 + 398);
  });

  it.each([
    ['a line that is not in the order', [{ sku: 'CAP', quantity: 1 }], 'unknown_line'],
    ['more than was ordered', [{ sku: 'MUG-BLUE', quantity: 3 }], 'exceeds_remaining'],
  ])('refuses %s and changes nothing', async (_name, lines, reason) => {
    const orderId = await shop.place();
    const before = await shop.view(orderId);
    expect(await world().holdfast.ship(orderId, parcel(lines))).toMatchObject({ accepted: false, reason });
    expect(await shop.view(orderId)).toEqual(before);
  });

  it('refuses other lines for a parcel whose capture a lost workflow task had begun', async () => {
    const orderId = await shop.place();
    const one = mugs(1);
    const [intent] = shop.intentsOf(orderId);
    const detail = { amount: 1290 + 490 + 398, final: false, lines: one.lines };
    await world().dependencies.pool.query(
      `INSERT INTO operations (operation_key, kind, order_id, payment_intent_id, detail, begun_at)
       VALUES ($1, 'capture', $2, $3, $4, now())`,
      [`capture:${orderId}:${intent?.id}:dhl/${one.trackingNumber}`, orderId, intent?.id, JSON.stringify(detail)],
    );
    expect(await world().holdfast.ship(orderId, { ...one, lines: mugs(2).lines })).toMatchObject({
      accepted: false,
      reason: 'tracking_number_used',
    });
    expect((await shop.view(orderId)).amounts.captured).toBe(0);
    expect(await world().holdfast.ship(orderId, one)).toMatchObject({ accepted: true });
  });

  it('refuses a tracking number for other lines, and anything after a cancel', async () => {
    const orderId = await shop.place();
    const one = mugs(1);
    await world().holdfast.ship(orderId, one);
    expect(await world().holdfast.ship(orderId, { ...one, lines: [{ sku: 'TEAPOT-1L', quantity: 1 }] })).toMatchObject({
      reason: 'tracking_number_used',
    });
    const other = await shop.place();
    await world().holdfast.cancel(other, { reason: 'customer_changed_mind' });
    expect(await world().holdfast.ship(other, mugs(1))).toMatchObject({ accepted: false, reason: 'order_cancelled' });
  });

  it('refuses an order that is not known', async () => {
    expect(await world().holdfast.ship('ord_nobody', mugs(1))).toMatchObject({
      accepted: false,
      reason: 'unknown_order',
    });
  });

  it('captures first when the order is captured before it ships', async () => {
    const orderId = await shop.place({ captureOn: 'order' });
    await eventually('the order to be paid', async () => (await shop.view(orderId)).paymentState === 'captured');
    expect(await world().holdfast.cancel(orderId, { reason: 'late' })).toMatchObject({
      accepted: false,
      reason: 'captured_needs_refund',
    });
    const all = everything();
    expect(await world().holdfast.ship(orderId, all)).toMatchObject({ accepted: true, state: 'shipped' });
  });
});

describe('cancelling', () => {
  it('voids the hold and releases the stock', async () => {
    const orderId = await shop.place();
    expect(await world().holdfast.cancel(orderId, { reason: 'customer_changed_mind' })).toMatchObject({
      accepted: true,
      state: 'cancelled',
      releasedAmount: 7970,
    });
    expect(await shop.endOf(orderId)).toMatchObject({ state: 'cancelled' });
    expect(shop.intentsOf(orderId)).toMatchObject([{ status: 'canceled', amount_received: 0 }]);
    expect(await world().holdfast.cancel(orderId, { reason: 'again' })).toMatchObject({
      accepted: true,
      state: 'cancelled',
    });
  });

  it('cancels what has not shipped of an order that shipped in part', async () => {
    const orderId = await shop.place();
    await world().holdfast.ship(orderId, mugs(2));
    await eventually('the rest to be held', async () => shop.intentsOf(orderId).length === 2);
    expect(await world().holdfast.cancel(orderId, { reason: 'out_of_teapots' })).toMatchObject({
      accepted: true,
      state: 'shipped',
      cancelledLines: [{ sku: 'TEAPOT-1L', quantity: 1 }],
    });
    expect(await world().holdfast.deliver(orderId)).toMatchObject({ state: 'delivered' });
  });

  it.each([1, 2, 3, 4])('racing a shipment, one of them wins and the money agrees (%d)', async () => {
    const orderId = await shop.place();
    const all = everything();
    const [cancelled, shipped] = await Promise.all([
      world().holdfast.cancel(orderId, { reason: 'race' }),
      world().holdfast.ship(orderId, all),
    ]);
    expect([cancelled.accepted, shipped.accepted].sort()).toEqual([false, true]);
    const order = await shop.view(orderId);
    expect(order.amounts.captured).toBe(shipped.accepted ? 7970 : 0);
    expect(order.state).toBe(shipped.accepted ? 'shipped' : 'cancelled');
  });
});

describe('what an operator sees', () => {
  it('is who must act next on the order, by when and why', async () => {
    const orderId = await shop.place();
    const handle = world().client.workflow.getHandle(`order-${orderId}`);
    const described = await eventually('the search attributes', async () => {
      const { typedSearchAttributes } = await handle.describe();
      const found = Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
      return found['WaitingOn'] === 'warehouse' && found;
    });
    expect(described).toMatchObject({ OrderId: orderId, OrderState: 'allocated', PaymentState: 'authorized' });
    expect(await world().holdfast.status(orderId)).toMatchObject({ waiting: { on: 'warehouse' } });
  });
});
