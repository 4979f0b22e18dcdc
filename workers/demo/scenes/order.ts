import type { PlayedCart, Scene, Stage } from '../stage';
import { cart, EVERYTHING, expect, expectStatus, orderIs, place, until } from '../stage';

/** For "a hold of a minute": it is renewed at three quarters of its life. */
const SHORT_HOLD_MS = 60_000;
const SHORTER_HOLD_MS = 30_000;
/** Longer than a short hold and the deadline that follows it, on a busy machine too. */
const HOLD_LIMIT_MS = 120_000;
const COPIES = 3;
/** Events are sent in shuffled groups of this many. */
const SHUFFLED = 6;

const reauthorized: Scene = {
  title: 'A hold of a minute, renewed before it ends',
  slow: true,
  async play(stage) {
    const request = cart(stage, 'renewed');
    await stage.bank.shortHold(request.cartId, SHORT_HOLD_MS);
    const orderId = await place(stage, request);
    await until(stage, 'the hold to be renewed', HOLD_LIMIT_MS, async () => {
      const payments = await stage.bank.paymentsOf(request.cartId);
      const states = payments.map(({ status }) => status).sort();
      return states.join() === 'canceled,requires_capture';
    });
    expectStatus(await stage.shop.ship(orderId, EVERYTHING), 201, 'the parcel');
    return {
      story: 'a new hold off-session, then the old one voided; the parcel was captured from the new one',
      carts: [{ path: 'Hold renewed before it ended', cartId: request.cartId, orderId }],
    };
  },
};

const notReauthorized: Scene = {
  title: 'A renewal that the bank declines',
  slow: true,
  async play(stage) {
    const request = cart(stage, 'not-renewed');
    await stage.bank.shortHold(request.cartId, SHORTER_HOLD_MS);
    const orderId = await place(stage, request);
    const [payment] = await stage.bank.paymentsOf(request.cartId);
    await stage.bank.refuse(payment?.customer ?? '', 'insufficient_funds');
    await orderIs(stage, orderId, ({ paymentState }) => paymentState === 'payment_needed', HOLD_LIMIT_MS);
    const refused = await stage.shop.ship(orderId, EVERYTHING);
    expectStatus(refused, 409, 'a parcel while the payment is needed');
    await orderIs(stage, orderId, ({ state }) => state === 'cancelled', HOLD_LIMIT_MS);
    return {
      story: 'shipping stopped, the customer got a link and did not pay; cancelled at the deadline, stock released',
      carts: [{ path: 'Renewal declined, released', cartId: request.cartId, orderId }],
    };
  },
};

const cancelRace: Scene = {
  title: 'Cancel racing a shipment',
  async play(stage) {
    const races = await Promise.all([raced(stage, 'cancel-first', true), raced(stage, 'ship-first', false)]);
    return {
      story: `twice: ${races.map(({ path }) => path.toLowerCase()).join('; ')}`,
      carts: races,
    };
  },
};

async function raced(stage: Stage, name: string, cancelFirst: boolean): Promise<PlayedCart> {
  const request = cart(stage, name);
  const orderId = await place(stage, request);
  const cancel = () => stage.shop.cancel(orderId, 'customer_changed_mind');
  const ship = () => stage.shop.ship(orderId, EVERYTHING);
  const [cancelled, shipped] = cancelFirst
    ? await Promise.all([cancel(), ship()])
    : (await Promise.all([ship(), cancel()])).reverse();
  const [cancelWon, shipWon] = [cancelled?.status === 200, shipped?.status === 201];
  expect(cancelWon !== shipWon, `cancel: ${cancelled?.status}, shipment: ${shipped?.status}; one of them must win`);
  const order = await orderIs(stage, orderId, ({ state }) => state === 'cancelled' || state === 'shipped');
  expect(order.state === (cancelWon ? 'cancelled' : 'shipped'), `the order is ${order.state}`);
  expect(order.amounts.captured === (cancelWon ? 0 : 7_770), `captured ${order.amounts.captured}`);
  return { path: cancelWon ? 'Cancel beat the shipment' : 'Shipment beat the cancel', cartId: request.cartId, orderId };
}

const workerKilled: Scene = {
  title: 'The worker killed in the middle of a checkout',
  slow: true,
  async play(stage) {
    const request = cart(stage, 'killed');
    const { orderId, state } = await stage.backdoor.interruptedCheckout(request);
    expect(state === 'placed', `the checkout ended as ${state}`);
    await orderIs(stage, orderId, (order) => order.state === 'allocated');
    const payments = await stage.bank.paymentsOf(request.cartId);
    expect(payments.length === 1, `${payments.length} PaymentIntents instead of one`);
    return {
      story: 'killed after the bank had accepted; another worker sent the same key: order placed, exactly one hold',
      carts: [{ path: 'Worker killed in mid-checkout', cartId: request.cartId, orderId }],
    };
  },
};

const webhookStorm: Scene = {
  title: 'Webhooks tripled and reordered',
  async play(stage) {
    const before = new Set((await stage.bank.events()).map(({ id }) => id));
    await stage.bank.webhookFaults({ copies: COPIES, reorderWindow: SHUFFLED });
    let carts: PlayedCart[];
    try {
      carts = await Promise.all([shippedInStorm(stage), cancelledInStorm(stage), securedInStorm(stage)]);
      await stage.bank.webhooksArrived();
    } finally {
      await stage.bank.webhookFaults({});
    }
    const events = (await stage.bank.events()).filter(
      ({ id, delivery }) => delivery === 'delivered' && !before.has(id),
    );
    const kept = await stage.backdoor.countInbox(events.map(({ id }) => id));
    expect(kept === events.length, `${events.length} events arrived, ${kept} were kept`);
    return {
      story: `${events.length} events sent ${COPIES} times each in any order: each stored once, same results`,
      carts,
    };
  },
};

async function shippedInStorm(stage: Stage): Promise<PlayedCart> {
  const request = cart(stage, 'storm-shipped');
  const orderId = await place(stage, request);
  expectStatus(await stage.shop.ship(orderId, EVERYTHING), 201, 'the parcel');
  expectStatus(await stage.shop.deliver(orderId), 200, 'the delivery');
  return { path: 'Webhook storm: delivered', cartId: request.cartId, orderId };
}

async function cancelledInStorm(stage: Stage): Promise<PlayedCart> {
  const request = cart(stage, 'storm-cancelled');
  const orderId = await place(stage, request);
  expectStatus(await stage.shop.cancel(orderId, 'customer_changed_mind'), 200, 'the cancel');
  return { path: 'Webhook storm: cancelled', cartId: request.cartId, orderId };
}

async function securedInStorm(stage: Stage): Promise<PlayedCart> {
  const request = cart(stage, 'storm-3ds', { paymentMethod: 'pm_card_authenticationRequired' });
  const { body, ...rest } = await stage.shop.checkout(request);
  expectStatus({ body, ...rest }, 202, 'the checkout');
  await stage.bank.authenticate(body.paymentIntentId ?? '');
  await orderIs(stage, body.orderId ?? '', ({ state }) => state === 'allocated');
  return { path: 'Webhook storm: 3-D Secure passed', cartId: request.cartId, orderId: body.orderId ?? '' };
}

/** Scenes about orders. */
export const orderScenes = { reauthorized, notReauthorized, cancelRace, workerKilled, webhookStorm } as const;
