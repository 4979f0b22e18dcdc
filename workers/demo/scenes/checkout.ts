import { sampleSkus } from '../../../activities/storage';
import type { PlayedCart, Scene, Stage } from '../stage';
import { cart, EVERYTHING, expect, expectStatus, MUGS, orderIs, place, TEAPOT, until } from '../stage';

const RACERS = 10;
const REPEATS = 5;
/** Longer than the demo's grace and 3-D Secure windows, on a busy machine too. */
const GIVEN_UP_MS = 60_000;

const happy: Scene = {
  title: 'Happy path with two partial shipments',
  async play(stage) {
    const request = cart(stage, 'happy');
    const orderId = await place(stage, request);
    expectStatus(await stage.shop.ship(orderId, MUGS), 201, 'the first parcel');
    await orderIs(stage, orderId, (order) => order.captureBefore !== null);
    const second = await stage.shop.ship(orderId, TEAPOT);
    expectStatus(second, 201, 'the second parcel');
    expectStatus(await stage.shop.deliver(orderId), 200, 'the delivery');
    const order = await orderIs(stage, orderId, ({ state }) => state === 'delivered');
    expect(order.amounts.captured === 7_770, `captured ${order.amounts.captured} instead of 7770`);
    return {
      story: 'captured with each parcel, a new hold for the rest in between, delivered',
      carts: [{ path: 'Two partial shipments, delivered', cartId: request.cartId, orderId }],
    };
  },
};

const declinedThenPaid: Scene = {
  title: 'Declined, then paid with another card',
  async play(stage) {
    const request = cart(stage, 'other-card', { paymentMethod: 'pm_card_chargeDeclined' });
    const declined = await stage.shop.checkout(request);
    expectStatus(declined, 402, 'the first card');
    const orderId = await place(stage, { ...request, paymentMethod: 'pm_card_mastercard' });
    const payments = await stage.bank.paymentsOf(request.cartId);
    expect(payments.length === 1, `${payments.length} PaymentIntents instead of one`);
    const charges = await stage.bank.chargesOf(payments[0]?.id ?? '');
    expect(charges === 2, `${charges} charges instead of two`);
    return {
      story: `${declined.body.declineCode}, then held on the same PaymentIntent by the second card`,
      carts: [{ path: 'Declined, then paid with another card', cartId: request.cartId, orderId }],
    };
  },
};

const insufficientFunds: Scene = {
  title: 'Insufficient funds, and no other card',
  slow: true,
  async play(stage) {
    const request = cart(stage, 'no-funds', { paymentMethod: 'pm_card_chargeDeclinedInsufficientFunds' });
    const answer = await stage.shop.checkout(request);
    expectStatus(answer, 402, 'the checkout');
    expect(answer.body.declineCode === 'insufficient_funds', `declined for ${answer.body.declineCode}`);
    await givenUp(stage, request.cartId);
    return {
      story: 'declined at once; the customer did not try again in time, so the PaymentIntent was cancelled',
      carts: [{ path: 'Insufficient funds', cartId: request.cartId, outcome: 'no order: declined' }],
    };
  },
};

const secured: Scene = {
  title: '3-D Secure passed',
  async play(stage) {
    const request = cart(stage, '3ds', { paymentMethod: 'pm_card_authenticationRequired' });
    const asked = await stage.shop.checkout(request);
    expectStatus(asked, 202, 'the checkout');
    const { orderId = '', paymentIntentId = '' } = asked.body;
    await stage.bank.authenticate(paymentIntentId);
    await orderIs(stage, orderId, ({ state }) => state === 'allocated');
    return {
      story: 'the customer authenticated, the webhook arrived, the checkout continued',
      carts: [{ path: '3-D Secure passed', cartId: request.cartId, orderId }],
    };
  },
};

const abandoned: Scene = {
  title: '3-D Secure abandoned',
  slow: true,
  async play(stage) {
    const request = cart(stage, '3ds-left', { paymentMethod: 'pm_card_authenticationRequired' });
    expectStatus(await stage.shop.checkout(request), 202, 'the checkout');
    await givenUp(stage, request.cartId);
    return {
      story: 'the customer never returned from the bank; the checkout was given up in time, and nothing is held',
      carts: [{ path: '3-D Secure abandoned', cartId: request.cartId, outcome: 'no order: given up' }],
    };
  },
};

const lastItem: Scene = {
  title: `The last item raced by ${RACERS} carts`,
  async play(stage) {
    await stage.backdoor.leaveOne(sampleSkus.lastOne);
    const carts = Array.from({ length: RACERS }, (_, index) =>
      cart(stage, `race-${index}`, { lines: [{ sku: sampleSkus.lastOne, quantity: 1, unitAmount: 9_900 }] }),
    );
    const answers = await Promise.all(carts.map((one) => stage.shop.checkout(one)));
    const won = answers.flatMap(({ status, body }) => (status === 201 ? [body.orderId ?? ''] : []));
    const lost = answers.filter(({ status, body }) => status === 409 && body.code === 'out_of_stock');
    expect(
      won.length === 1 && lost.length === RACERS - 1,
      `${won.length} won, ${lost.length} got the answer out of stock`,
    );
    const played = carts.map(({ cartId }, index): PlayedCart => {
      const { status, body } = answers[index] ?? { status: 0, body: {} };
      const winner = status === 201 && body.orderId !== undefined;
      return winner
        ? { path: 'Won the last item', cartId, orderId: body.orderId }
        : { path: 'Too late for the last item', cartId, outcome: 'no order: out of stock' };
    });
    for (const { cartId, orderId } of played) if (orderId === undefined) await givenUp(stage, cartId);
    return {
      story: `one cart won; the other ${RACERS - 1} got the answer out of stock, and no hold on their cards is left`,
      carts: played,
    };
  },
};

const sameCart: Scene = {
  title: `The same cart sent ${REPEATS} times at once, and again later`,
  async play(stage) {
    const request = cart(stage, 'same');
    const answers = await Promise.all(Array.from({ length: REPEATS }, () => stage.shop.checkout(request)));
    const orderId = await place(stage, request);
    for (const answer of answers) expectStatus(answer, 201, 'one of the identical checkouts');
    expect(
      answers.every(({ body }) => body.orderId === orderId),
      'the same cart became several orders',
    );
    const payments = await stage.bank.paymentsOf(request.cartId);
    expect(payments.length === 1, `${payments.length} PaymentIntents instead of one`);
    expectStatus(await stage.shop.ship(orderId, EVERYTHING), 201, 'the parcel');
    return {
      story: 'one order, one hold, captured once',
      carts: [{ path: `The same cart ${REPEATS + 1} times`, cartId: request.cartId, orderId }],
    };
  },
};

/** Waits until every PaymentIntent of the cart is canceled, so that nothing is or can be held. */
async function givenUp(stage: Stage, cartId: string): Promise<void> {
  await until(stage, `cart ${cartId} to be given up`, GIVEN_UP_MS, async () => {
    const payments = await stage.bank.paymentsOf(cartId);
    return payments.every((payment) => payment.status === 'canceled');
  });
}

/** Scenes about checkouts. */
export const checkoutScenes = {
  happy,
  declinedThenPaid,
  insufficientFunds,
  secured,
  abandoned,
  lastItem,
  sameCart,
} as const;
