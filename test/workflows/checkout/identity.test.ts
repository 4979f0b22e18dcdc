import { DEFAULT_POLICY } from '../../../workflows/domain/shared/policy';
import { workflowIds, workflowTypes } from '../../../workflows/kit/names';
import type { CheckoutAnswer } from '../../../workflows/checkout/messages';
import type { CheckoutRequest } from '../../../clients/client';
import { checkoutStart } from '../../../workflows/checkout/start';
import { newOrderId, submissionOf } from '../../../clients/client/requests';
import { parseCheckout } from '../../../clients/schemas/validate';
import { sampleCart } from '../../support/carts';
import { violations } from '../../support/invariants/invariants';
import { shopForThisFile } from '../../support/shop';
import { createWorld } from '../../support/world';
import { eventually } from '../../support/time/eventually';

// Whose cart it is, and what its answer is about: identity is the cart's contents and its customer, not its id alone.

const { world, shop } = shopForThisFile();

const DECLINED = 'pm_card_visa_chargeDeclined';
const ASKS_3DS = 'pm_card_authenticationRequired';
const ADDRESS = { line1: 'Hauptstraße 1', city: 'Berlin', postalCode: '10827', country: 'DE' };
const oneMug = [{ sku: 'MUG-BLUE', quantity: 1, unitAmount: 1290 }];
const lastOne = { lines: [{ sku: 'LAST-ONE', quantity: 1, unitAmount: 9900 }], taxAmount: 0, shippingAmount: 0 };

const checkout = (cart: CheckoutRequest, key?: string): Promise<CheckoutAnswer> =>
  world().holdfast.checkout(cart, key === undefined ? {} : { idempotencyKey: key });

const resultOf = (cartId: string): Promise<CheckoutAnswer> =>
  world().client.workflow.getHandle(workflowIds.checkout(cartId)).result() as Promise<CheckoutAnswer>;

function expectState<State extends CheckoutAnswer['state']>(answer: CheckoutAnswer, state: State) {
  expect(answer).toMatchObject({ state });
  return answer as Extract<CheckoutAnswer, { state: State }>;
}

async function setStock(sku: string, pieces: number): Promise<void> {
  const { pool } = world().dependencies;
  await pool.query('UPDATE stock SET on_hand = reserved WHERE sku = $1', [sku]);
  await pool.query("UPDATE stock SET on_hand = reserved + $2 WHERE sku = $1 AND warehouse_id = 'berlin'", [
    sku,
    pieces,
  ]);
}

const CHANGES = {
  'other lines': { lines: oneMug },
  'another customer': { customer: { id: 'somebody-else', email: 'else@example.com' } },
  'another e-mail address': { customer: { id: 'cust-known', email: 'else@example.com' } },
  'another address': { shippingAddress: ADDRESS },
  'other shipping': { shippingAmount: 491 },
} as const;

describe('a placed cart', () => {
  it.each(Object.entries(CHANGES))(
    'with %s is another purchase: cart_changed, and nothing is held',
    async (_, change) => {
      const cart = sampleCart({ customer: { id: 'cust-known', email: 'buyer@example.com' } });
      const placed = expectState(await checkout(cart), 'placed');
      const before = world().simulator.state.paymentIntents().length;
      for (const key of [undefined, 'key-1']) {
        expect(await checkout({ ...cart, ...change }, key)).toMatchObject({ code: 'cart_changed', placed: true });
      }
      expect(await checkout({ ...cart, paymentMethod: 'pm_card_mastercard' })).toMatchObject({
        orderId: placed.orderId,
      });
      expect(world().simulator.state.paymentIntents()).toHaveLength(before);
    },
  );

  it('is the same however its fields are written', async () => {
    const cart = sampleCart({ shippingAddress: ADDRESS });
    const placed = expectState(await checkout(cart), 'placed');
    const again = {
      ...cart,
      currency: 'EUR',
      customer: { ...cart.customer, name: undefined },
      shippingAddress: { ...ADDRESS, line2: undefined, country: 'de' },
    };
    expect(await checkout(again)).toMatchObject({ state: 'placed', orderId: placed.orderId });
  });
});

describe('while the first buyer is at 3-D Secure', () => {
  it('no other buyer gets the client secret', async () => {
    const cart = sampleCart({ paymentMethod: ASKS_3DS });
    const asked = expectState(await checkout(cart), 'requires_action');
    const other = { id: 'somebody-else', email: 'else@example.com' };
    for (const customer of [other, { ...cart.customer, email: other.email }]) {
      const answer = await checkout({ ...cart, customer });
      expect(answer).toMatchObject({ state: 'failed', code: 'cart_changed', placed: false });
      expect(JSON.stringify(answer)).not.toContain(asked.clientSecret);
    }
    const looks = (): number =>
      world()
        .simulator.state.requests()
        .filter((one) => one.path.endsWith(asked.paymentIntentId)).length;
    const before = looks();
    const polled = await Promise.all(Array.from({ length: 9 }, () => checkout(cart)));
    for (const answer of polled) expect(answer).toEqual(asked);
    expect(looks() - before).toBeLessThanOrEqual(1);
    world().simulator.completeAuthentication(asked.paymentIntentId, 'succeed');
    expect(await resultOf(cart.cartId)).toMatchObject({ state: 'placed' });
  });
});

describe('after a decline', () => {
  it('the cart may change: the new amount on the same PaymentIntent', async () => {
    const cart = sampleCart({ paymentMethod: DECLINED });
    const declined = expectState(await checkout(cart), 'declined');
    const changed = { ...cart, lines: oneMug, shippingAddress: ADDRESS, paymentMethod: 'pm_card_visa' };
    const placed = expectState(await checkout(changed), 'placed');
    expect(placed).toMatchObject({ orderId: declined.orderId, authorizedAmount: 2350 });
    expect(shop.intentsOf(placed.orderId)).toMatchObject([{ amount: 2350, status: 'requires_capture' }]);
    const order = await world().dependencies.queries.getOrder(placed.orderId);
    expect(order).toMatchObject({ lines: [{ sku: 'MUG-BLUE', quantity: 1 }], amounts: { authorized: 2350 } });
    expect(await checkout(cart)).toMatchObject({ code: 'cart_changed', placed: true });
    expect(await checkout(changed)).toMatchObject({ state: 'placed', orderId: placed.orderId });
  });

  it('the cart may grow, too', async () => {
    const cart = sampleCart({ paymentMethod: DECLINED, lines: oneMug });
    expectState(await checkout(cart), 'declined');
    const changed = { ...cart, lines: [{ sku: 'MUG-BLUE', quantity: 3, unitAmount: 1290 }] };
    expectState(await checkout(changed), 'declined');
    expect(await checkout({ ...changed, paymentMethod: 'pm_card_visa' })).toMatchObject({ authorizedAmount: 4930 });
  });

  describe('the buyer confirms the old amount in the browser, while a changed cart is sent:', () => {
    const confirmed = async (cart: CheckoutRequest, paymentMethod: string): Promise<string> => {
      const { orderId } = expectState(await checkout({ ...cart, paymentMethod: DECLINED }), 'declined');
      const [intent] = shop.intentsOf(orderId);
      await world().dependencies.stripe.paymentIntents.confirm(intent?.id ?? '', { payment_method: paymentMethod });
      return orderId;
    };
    const cases = [1, 3].flatMap((quantity) => ['pm_card_visa', ASKS_3DS].map((method) => [quantity, method] as const));

    it.each(cases)(
      '%s mugs in place of 2, confirmed with %s: the new amount alone is held',
      async (quantity, method) => {
        const cart = sampleCart();
        const orderId = await confirmed(cart, method);
        const changed = { ...cart, lines: [{ sku: 'MUG-BLUE', quantity, unitAmount: 1290 }] };
        const amount = 1060 + quantity * 1290;
        expect(await checkout(changed)).toMatchObject({ state: 'placed', orderId, authorizedAmount: amount });
        await eventually('the old hold to be released', () =>
          Promise.resolve(shop.intentsOf(orderId).every((one) => one.amount === amount || one.status === 'canceled')),
        );
        expect(shop.intentsOf(orderId).filter((one) => one.status === 'requires_capture')).toMatchObject([{ amount }]);
        expect(await world().dependencies.queries.listExceptions()).toEqual([]);
      },
    );

    it('the same cart is bought with the existing hold', async () => {
      const cart = sampleCart();
      const orderId = await confirmed(cart, 'pm_card_visa');
      expect(await checkout(cart)).toMatchObject({ state: 'placed', orderId });
      expect(shop.intentsOf(orderId)).toHaveLength(1);
    });
  });

  it('another customer cannot take over the cart', async () => {
    const cart = sampleCart({ paymentMethod: DECLINED });
    expectState(await checkout(cart), 'declined');
    const other = {
      ...cart,
      customer: { id: 'somebody-else', email: 'else@example.com' },
      paymentMethod: 'pm_card_visa',
    };
    expect(await checkout(other)).toMatchObject({ code: 'cart_changed', placed: false });
    expectState(await checkout({ ...cart, paymentMethod: 'pm_card_visa' }), 'placed');
  });

  it('a PaymentIntent that Stripe has cancelled after too many tries is replaced by a fresh one', async () => {
    const strict = await createWorld({ simulator: { maxConfirmations: 2 } });
    try {
      const cart = sampleCart({ paymentMethod: DECLINED });
      const declined = expectState(await strict.holdfast.checkout(cart), 'declined');
      expectState(await strict.holdfast.checkout(cart), 'declined');
      expect(await strict.holdfast.checkout({ ...cart, paymentMethod: 'pm_card_visa' })).toMatchObject({
        state: 'placed',
        orderId: declined.orderId,
      });
      expect(strict.simulator.state.paymentIntents().map((intent) => intent.status)).toEqual(
        expect.arrayContaining(['canceled', 'requires_capture']),
      );
      expect(await violations(strict)).toEqual([]);
    } finally {
      await strict.close();
    }
  });
});

describe('a checkout answers what it already knows before it asks the bank', () => {
  it('out of stock before any attempt: no PaymentIntent, and fewer items may be bought', async () => {
    await setStock('LAST-ONE', 1);
    const before = world().simulator.state.paymentIntents().length;
    const cart = sampleCart({ ...lastOne, lines: [{ sku: 'LAST-ONE', quantity: 2, unitAmount: 9900 }] });
    expect(await checkout(cart)).toEqual({ state: 'out_of_stock', sku: 'LAST-ONE', available: 1 });
    expect(world().simulator.state.paymentIntents()).toHaveLength(before);
    expectState(await checkout({ ...cart, ...lastOne }), 'placed');
  });

  it('sold during 3-D Secure: the returning buyer is not asked to pay again', async () => {
    await setStock('LAST-ONE', 1);
    const cart = sampleCart({ ...lastOne, paymentMethod: ASKS_3DS });
    const asked = expectState(await checkout(cart), 'requires_action');
    expectState(await checkout(sampleCart(lastOne)), 'placed');
    expect(await checkout(cart)).toMatchObject({ state: 'out_of_stock' });
    await resultOf(cart.cartId);
    expect(shop.intentsOf(asked.orderId)).toMatchObject([{ status: 'canceled' }]);
    const before = world().simulator.state.paymentIntents().length;
    expect(await checkout(cart)).toMatchObject({ state: 'out_of_stock' });
    expect(world().simulator.state.paymentIntents()).toHaveLength(before);
  });

  it('sold during 3-D Secure that was passed: the hold is voided, and no second one is asked for', async () => {
    await setStock('LAST-ONE', 1);
    const cart = sampleCart({ ...lastOne, paymentMethod: ASKS_3DS });
    const asked = expectState(await checkout(cart), 'requires_action');
    expectState(await checkout(sampleCart(lastOne)), 'placed');
    world().simulator.completeAuthentication(asked.paymentIntentId, 'succeed');
    expect(await resultOf(cart.cartId)).toMatchObject({ state: 'out_of_stock' });
    expect(shop.intentsOf(asked.orderId)).toMatchObject([{ status: 'canceled' }]);
    const before = world().simulator.state.paymentIntents().length;
    expect(await checkout(cart)).toMatchObject({ state: 'out_of_stock' });
    expect(world().simulator.state.paymentIntents()).toHaveLength(before);
  });
});

describe('while a failed checkout is undone', () => {
  it('another cart under the same id waits for the undo, and is bought then', async () => {
    await setStock('LAST-ONE', 1);
    const cart = sampleCart({ ...lastOne, paymentMethod: ASKS_3DS });
    const asked = expectState(await checkout(cart), 'requires_action');
    expectState(await checkout(sampleCart(lastOne)), 'placed');
    const { faults } = world().simulator;
    const held = faults.add({ match: { pathPattern: '/cancel$' }, action: { kind: 'hold', when: 'after' } });
    world().simulator.completeAuthentication(asked.paymentIntentId, 'succeed');
    await eventually('the checkout to be undone', async () => (await checkout(cart)).state === 'out_of_stock');
    const changed = checkout({ ...cart, lines: oneMug, paymentMethod: 'pm_card_visa' });
    faults.release(held);
    const placed = expectState(await changed, 'placed');
    expect(placed.orderId).not.toBe(asked.orderId);
    expect(shop.intentsOf(asked.orderId)).toMatchObject([{ status: 'canceled' }]);
  });
});

describe('a first submission whose update is lost', () => {
  const start = async (cart: ReturnType<typeof sampleCart>): Promise<void> => {
    const submission = submissionOf(parseCheckout(cart), DEFAULT_POLICY);
    await world().client.workflow.start(
      workflowTypes.checkout,
      checkoutStart(newOrderId(), submission, world().taskQueue),
    );
  };

  it('is carried by the start: the checkout continues to the order, and a resend joins it', async () => {
    const cart = sampleCart();
    await start(cart);
    const placed = expectState(await checkout(cart), 'placed');
    expect(shop.intentsOf(placed.orderId)).toHaveLength(1);
    expect(await resultOf(cart.cartId)).toMatchObject({ orderId: placed.orderId });
  });

  it('is answered to the first caller, and the card is not charged a second time for it', async () => {
    const cart = sampleCart({ paymentMethod: DECLINED });
    await start(cart);
    const orderId = await eventually('the card to be declined', () =>
      Promise.resolve(
        world()
          .simulator.state.paymentIntents()
          .find((one) => one.metadata['holdfast_cart_id'] === cart.cartId)?.metadata['holdfast_order_id'],
      ),
    );
    expectState(await checkout(cart), 'declined');
    expect(world().simulator.state.chargesOf(shop.intentsOf(orderId)[0]?.id ?? '')).toHaveLength(1);
  });
});
