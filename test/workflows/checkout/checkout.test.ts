import { sampleCart } from '../../support/carts';
import { shopForThisFile } from '../../support/shop';
import { createWorld } from '../../support/world';
import { eventually } from '../../support/time/eventually';
import { fastForward } from '../../support/time/time';
import { getConnection, testEnvironment } from '../../support/environment';

const { world, shop } = shopForThisFile();

const stockOf = async (sku: string): Promise<number> => {
  const { rows } = await world().dependencies.pool.query(
    'SELECT sum(reserved)::int AS reserved FROM stock WHERE sku = $1',
    [sku],
  );
  return (rows[0] as { reserved: number }).reserved;
};

async function forward(cartId: string, ms: number): Promise<void> {
  await fastForward(await getConnection(), testEnvironment().temporalNamespace, `checkout-${cartId}`, ms);
}

describe('a checkout', () => {
  it('holds the card, reserves the stock, records the order, and hands it over', async () => {
    const before = await stockOf('MUG-BLUE');
    const answer = await world().holdfast.checkout(sampleCart());
    if (answer.state !== 'placed') throw new Error(`not placed: ${JSON.stringify(answer)}`);
    expect(answer.authorizedAmount).toBe(3640);
    expect(Date.parse(answer.captureBefore ?? '')).toBeGreaterThan(Date.now() + 6 * 86_400_000);
    expect(shop.intentsOf(answer.orderId)).toMatchObject([{ status: 'requires_capture', amount_capturable: 3640 }]);
    expect(await stockOf('MUG-BLUE')).toBe(before + 2);
    const order = await eventually('the order to be allocated', async () => {
      const view = await world().dependencies.queries.getOrder(answer.orderId);
      return view?.state === 'allocated' && view;
    });
    expect(order).toMatchObject({ paymentState: 'authorized', waitingOn: 'warehouse' });
  });

  it('costs at most 16 history events', async () => {
    const cart = sampleCart();
    await world().holdfast.checkout(cart);
    const handle = world().client.workflow.getHandle(`checkout-${cart.cartId}`);
    await handle.result();
    const { events } = await handle.fetchHistory();
    expect(events?.length).toBeLessThanOrEqual(16);
  });

  it('is one order for the same cart at the same moment and later', async () => {
    const cart = sampleCart();
    const answers = await Promise.all([1, 2, 3, 4].map(() => world().holdfast.checkout(cart)));
    answers.push(await world().holdfast.checkout(cart));
    const orderIds = new Set(
      answers.map((answer) => (answer.state === 'placed' ? answer.orderId : JSON.stringify(answer))),
    );
    expect(orderIds.size).toBe(1);
    const [orderId = ''] = orderIds;
    expect(shop.intentsOf(orderId)).toHaveLength(1);
  });

  it('pays a declined cart with another card on the same PaymentIntent', async () => {
    const cart = sampleCart({ paymentMethod: 'pm_card_visa_chargeDeclinedInsufficientFunds' });
    const declined = await world().holdfast.checkout(cart);
    expect(declined).toMatchObject({ state: 'declined', declineCode: 'insufficient_funds' });
    const placed = await world().holdfast.checkout({ ...cart, paymentMethod: 'pm_card_mastercard' });
    if (placed.state !== 'placed') throw new Error(`not placed: ${JSON.stringify(placed)}`);
    expect(shop.intentsOf(placed.orderId)).toHaveLength(1);
    expect(world().simulator.state.chargesOf(shop.intentsOf(placed.orderId)[0]?.id ?? '')).toHaveLength(2);
  });

  it('gives up a declined cart after its grace period, and leaves nothing behind', async () => {
    const cart = sampleCart({ paymentMethod: 'pm_card_visa_chargeDeclined' });
    const declined = await world().holdfast.checkout(cart);
    if (declined.state !== 'declined') throw new Error(`not declined: ${JSON.stringify(declined)}`);
    await forward(cart.cartId, 31 * 60_000);
    expect(await world().client.workflow.getHandle(`checkout-${cart.cartId}`).result()).toMatchObject({
      code: 'abandoned',
    });
    expect(shop.intentsOf(declined.orderId)).toMatchObject([{ status: 'canceled' }]);
  });

  it('continues after 3-D Secure when the webhook arrives', async () => {
    const cart = sampleCart({ paymentMethod: 'pm_card_authenticationRequired' });
    const asked = await world().holdfast.checkout(cart);
    if (asked.state !== 'requires_action') throw new Error(`not asked: ${JSON.stringify(asked)}`);
    expect(asked.clientSecret).toContain(`${asked.paymentIntentId}_secret_`);
    world().simulator.completeAuthentication(asked.paymentIntentId, 'succeed');
    expect(await world().client.workflow.getHandle(`checkout-${cart.cartId}`).result()).toMatchObject({
      state: 'placed',
    });
    expect(await world().holdfast.checkout(cart)).toMatchObject({ state: 'placed', orderId: asked.orderId });
  });

  it('continues after 3-D Secure by polling Stripe when every webhook is lost', async () => {
    const lossy = await createWorld({ withoutRelays: true });
    try {
      const cart = sampleCart({ paymentMethod: 'pm_card_authenticationRequired' });
      const asked = await lossy.holdfast.checkout(cart);
      if (asked.state !== 'requires_action') throw new Error(`not asked: ${JSON.stringify(asked)}`);
      lossy.simulator.completeAuthentication(asked.paymentIntentId, 'succeed');
      await forward(cart.cartId, 60_000);
      expect(await lossy.client.workflow.getHandle(`checkout-${cart.cartId}`).result()).toMatchObject({
        state: 'placed',
      });
    } finally {
      await lossy.close();
    }
  });

  it('gives up 3-D Secure after its limit and voids the hold', async () => {
    const cart = sampleCart({ paymentMethod: 'pm_card_authenticationRequired' });
    const asked = await world().holdfast.checkout(cart);
    if (asked.state !== 'requires_action') throw new Error(`not asked: ${JSON.stringify(asked)}`);
    await forward(cart.cartId, 31 * 60_000);
    expect(await world().client.workflow.getHandle(`checkout-${cart.cartId}`).result()).toMatchObject({
      code: 'abandoned',
    });
    expect(shop.intentsOf(asked.orderId)).toMatchObject([{ status: 'canceled' }]);
  });

  it('sells the last item to exactly one of ten carts and keeps no hold on the others’ cards', async () => {
    const carts = Array.from({ length: 10 }, () =>
      sampleCart({ lines: [{ sku: 'LAST-ONE', quantity: 1, unitAmount: 9900 }], taxAmount: 0, shippingAmount: 0 }),
    );
    const answers = await Promise.all(carts.map((cart) => world().holdfast.checkout(cart)));
    expect(answers.filter((answer) => answer.state === 'placed')).toHaveLength(1);
    expect(answers.filter((answer) => answer.state === 'out_of_stock')).toHaveLength(9);
    await Promise.all(carts.map((cart) => world().client.workflow.getHandle(`checkout-${cart.cartId}`).result()));
    const held = world()
      .simulator.state.paymentIntents()
      .filter((one) => one.amount === 9900 && one.status === 'requires_capture');
    expect(held).toHaveLength(1);
  });

  it('names goods, prices and a currency that the catalogue does not have, and asks no bank', async () => {
    const answer = await world().holdfast.checkout(
      sampleCart({
        lines: [
          { sku: 'NO-SUCH', quantity: 1, unitAmount: 1 },
          { sku: 'MUG-BLUE', quantity: 1, unitAmount: 1 },
        ],
      }),
    );
    expect(answer).toMatchObject({
      state: 'invalid',
      problems: [{ field: 'lines.0.sku' }, { field: 'lines.1.unitAmount' }],
    });
  });

  it('names a payment method that does not exist', async () => {
    expect(await world().holdfast.checkout(sampleCart({ paymentMethod: 'pm_nonsense' }))).toMatchObject({
      state: 'invalid',
      problems: [{ field: 'paymentMethod' }],
    });
  });

  it('finds its hold again when the connection is lost after the commit', async () => {
    world().simulator.faults.add({
      match: { method: 'POST', pathPattern: '^/v1/payment_intents$' },
      action: { kind: 'reset', when: 'after' },
    });
    const answer = await world().holdfast.checkout(sampleCart());
    if (answer.state !== 'placed') throw new Error(`not placed: ${JSON.stringify(answer)}`);
    expect(shop.intentsOf(answer.orderId)).toHaveLength(1);
  });
});
