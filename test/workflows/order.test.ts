import type { CheckoutRequest } from '../../clients';
import type { OrderView } from '../../workflows/domain/order-view';
import { sampleCart } from '../support/carts';
import { eventually } from '../support/eventually';
import { fastForward, virtualTime } from '../support/time';
import { getConnection, testEnvironment } from '../support/environment';
import { violations } from '../support/invariants';
import { closeConnections, createWorld } from '../support/world';
import type { World } from '../support/world';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let world: World;

beforeAll(async () => {
  world = await createWorld();
});

afterEach(async () => {
  await eventually('the money to agree', async () => (await violations(world)).length === 0).catch(async () => {
    expect(await violations(world)).toEqual([]);
  });
});

afterAll(async () => {
  await world.close();
  await closeConnections();
});

const twoLines = [
  { sku: 'MUG-BLUE', quantity: 2, unitAmount: 1290 },
  { sku: 'TEAPOT-1L', quantity: 1, unitAmount: 3900 },
];
let parcels = 0;
const parcel = (lines: { sku: string; quantity: number }[]) => ({
  lines,
  carrier: 'dhl',
  trackingNumber: `T${(parcels += 1)}`,
});
const mugs = (quantity: number) => parcel([{ sku: 'MUG-BLUE', quantity }]);

async function place(changes: Partial<CheckoutRequest> = {}, where = world): Promise<string> {
  const answer = await where.holdfast.checkout(sampleCart({ lines: twoLines, taxAmount: 1000, ...changes }));
  if (answer.state !== 'placed') throw new Error(`not placed: ${JSON.stringify(answer)}`);
  await eventually('the order to be allocated', async () => (await view(answer.orderId, where)).state !== 'placed');
  return answer.orderId;
}

async function view(orderId: string, where = world): Promise<OrderView> {
  const found = await where.dependencies.queries.getOrder(orderId);
  if (found === undefined) throw new Error(`no order ${orderId}`);
  return found;
}

const intentsOf = (orderId: string, where = world) =>
  where.simulator.state.paymentIntents().filter((intent) => intent.metadata['holdfast_order_id'] === orderId);
const customerOf = (orderId: string, where = world): string => String(intentsOf(orderId, where)[0]?.customer);

async function forward(orderId: string, ms: number): Promise<void> {
  await fastForward(await getConnection(), testEnvironment().temporalNamespace, `order-${orderId}`, ms);
}

/** Moves the order's clock to a moment before (or after, where negative) the end of its hold. */
async function forwardToEndOfHold(orderId: string, beforeMs: number, where = world): Promise<void> {
  const connection = await getConnection();
  const { temporalNamespace } = testEnvironment();
  const clock = await virtualTime(connection, temporalNamespace, `order-${orderId}`);
  const { captureBefore } = await view(orderId, where);
  await forward(orderId, Date.parse(captureBefore ?? '') - beforeMs - (clock?.nowMs ?? Date.now()));
}

const endOf = (orderId: string, where = world) => where.client.workflow.getHandle(`order-${orderId}`).result();

describe('shipping', () => {
  it('captures what ships and renews the hold for the rest', async () => {
    const orderId = await place();
    const first = await world.holdfast.ship(orderId, mugs(1));
    expect(first).toMatchObject({
      accepted: true,
      capturedAmount: 1290 + 490 + 199,
      paymentState: 'partially_captured',
    });
    await eventually('the rest to be held', async () => intentsOf(orderId).length === 2);
    const second = await world.holdfast.ship(
      orderId,
      parcel([
        { sku: 'MUG-BLUE', quantity: 1 },
        { sku: 'TEAPOT-1L', quantity: 1 },
      ]),
    );
    expect(second).toMatchObject({ accepted: true, state: 'shipped', paymentState: 'captured' });
    expect(await world.holdfast.deliver(orderId)).toMatchObject({ accepted: true, state: 'delivered' });
    expect(await endOf(orderId)).toMatchObject({ state: 'delivered' });
    expect((await view(orderId)).amounts.captured).toBe(7970);
  });

  it('keeps the rest of the hold where the charge allows multicapture', async () => {
    const generous = await createWorld({ simulator: { multicapture: true } });
    try {
      const orderId = await place({}, generous);
      await generous.holdfast.ship(orderId, mugs(2));
      expect(await generous.holdfast.ship(orderId, parcel([{ sku: 'TEAPOT-1L', quantity: 1 }]))).toMatchObject({
        state: 'shipped',
      });
      expect(intentsOf(orderId, generous)).toMatchObject([{ status: 'succeeded', amount_received: 7970 }]);
      expect(await violations(generous)).toEqual([]);
    } finally {
      await generous.close();
    }
  });

  it('costs at most 45 history events from placed to delivered with one shipment', async () => {
    const cart = sampleCart();
    const answer = await world.holdfast.checkout(cart);
    if (answer.state !== 'placed') throw new Error(`not placed: ${JSON.stringify(answer)}`);
    const { orderId } = answer;
    await eventually('the order to be allocated', async () => (await view(orderId)).state === 'allocated');
    await world.holdfast.ship(orderId, mugs(2));
    await world.simulator.flush();
    await world.holdfast.deliver(orderId);
    await endOf(orderId);
    const histories = await Promise.all(
      [`checkout-${cart.cartId}`, `order-${orderId}`].map((id) => world.client.workflow.getHandle(id).fetchHistory()),
    );
    expect(histories.reduce((sum, history) => sum + (history.events?.length ?? 0), 0)).toBeLessThanOrEqual(45);
  });

  it('answers a parcel that is told twice with the same shipment, captured once', async () => {
    const orderId = await place();
    const one = mugs(2);
    const answers = await Promise.all([world.holdfast.ship(orderId, one), world.holdfast.ship(orderId, one)]);
    expect(answers[0]).toEqual(answers[1]);
    expect((await view(orderId)).amounts.captured).toBe(2580 + 490 + 398);
  });

  it.each([
    ['a line that is not in the order', [{ sku: 'CAP', quantity: 1 }], 'unknown_line'],
    ['more than was ordered', [{ sku: 'MUG-BLUE', quantity: 3 }], 'exceeds_remaining'],
  ])('refuses %s and changes nothing', async (_name, lines, reason) => {
    const orderId = await place();
    const before = await view(orderId);
    expect(await world.holdfast.ship(orderId, parcel(lines))).toMatchObject({ accepted: false, reason });
    expect(await view(orderId)).toEqual(before);
  });

  it('refuses a tracking number for other lines, and anything after a cancel', async () => {
    const orderId = await place();
    const one = mugs(1);
    await world.holdfast.ship(orderId, one);
    expect(await world.holdfast.ship(orderId, { ...one, lines: [{ sku: 'TEAPOT-1L', quantity: 1 }] })).toMatchObject({
      reason: 'tracking_number_used',
    });
    const other = await place();
    await world.holdfast.cancel(other, { reason: 'customer_changed_mind' });
    expect(await world.holdfast.ship(other, mugs(1))).toMatchObject({ accepted: false, reason: 'order_cancelled' });
  });

  it('refuses an order that is not known', async () => {
    expect(await world.holdfast.ship('ord_nobody', mugs(1))).toMatchObject({
      accepted: false,
      reason: 'unknown_order',
    });
  });

  it('takes the money first where the order says so', async () => {
    const orderId = await place({ captureOn: 'order' });
    await eventually('the order to be paid', async () => (await view(orderId)).paymentState === 'captured');
    expect(await world.holdfast.cancel(orderId, { reason: 'late' })).toMatchObject({
      accepted: false,
      reason: 'captured_needs_refund',
    });
    const all = parcel([
      { sku: 'MUG-BLUE', quantity: 2 },
      { sku: 'TEAPOT-1L', quantity: 1 },
    ]);
    expect(await world.holdfast.ship(orderId, all)).toMatchObject({ accepted: true, state: 'shipped' });
  });
});

describe('cancelling', () => {
  it('lets hold and stock go', async () => {
    const orderId = await place();
    expect(await world.holdfast.cancel(orderId, { reason: 'customer_changed_mind' })).toMatchObject({
      accepted: true,
      state: 'cancelled',
      releasedAmount: 7970,
    });
    expect(await endOf(orderId)).toMatchObject({ state: 'cancelled' });
    expect(intentsOf(orderId)).toMatchObject([{ status: 'canceled', amount_received: 0 }]);
    expect(await world.holdfast.cancel(orderId, { reason: 'again' })).toMatchObject({
      accepted: true,
      state: 'cancelled',
    });
  });

  it('cancels what has not shipped of an order that shipped in part', async () => {
    const orderId = await place();
    await world.holdfast.ship(orderId, mugs(2));
    await eventually('the rest to be held', async () => intentsOf(orderId).length === 2);
    expect(await world.holdfast.cancel(orderId, { reason: 'out_of_teapots' })).toMatchObject({
      accepted: true,
      state: 'shipped',
      cancelledLines: [{ sku: 'TEAPOT-1L', quantity: 1 }],
    });
    expect(await world.holdfast.deliver(orderId)).toMatchObject({ state: 'delivered' });
  });

  it.each([1, 2, 3, 4])('racing a shipment, one of them wins and the money agrees (%d)', async () => {
    const orderId = await place();
    const all = parcel([
      { sku: 'MUG-BLUE', quantity: 2 },
      { sku: 'TEAPOT-1L', quantity: 1 },
    ]);
    const [cancelled, shipped] = await Promise.all([
      world.holdfast.cancel(orderId, { reason: 'race' }),
      world.holdfast.ship(orderId, all),
    ]);
    expect([cancelled.accepted, shipped.accepted].sort()).toEqual([false, true]);
    const order = await view(orderId);
    expect(order.amounts.captured).toBe(shipped.accepted ? 7970 : 0);
    expect(order.state).toBe(shipped.accepted ? 'shipped' : 'cancelled');
  });
});

describe('a card hold', () => {
  it('is warned of, then renewed before it ends; the old one is let go after the new one stands', async () => {
    const orderId = await place();
    await forwardToEndOfHold(orderId, 47 * HOUR_MS);
    const { rows } = await world.dependencies.pool.query(
      `SELECT type FROM outbox WHERE order_id = $1 AND type = 'HoldExpiring'`,
      [orderId],
    );
    expect(rows).toHaveLength(1);
    await forwardToEndOfHold(orderId, HOUR_MS);
    expect(intentsOf(orderId).map((one) => one.status)).toEqual(['canceled', 'requires_capture']);
    expect(await view(orderId)).toMatchObject({ paymentState: 'authorized', waitingOn: 'warehouse' });
    expect(await world.holdfast.ship(orderId, mugs(2))).toMatchObject({ accepted: true });
  });

  it.each([
    ['6 days and 23 hours', HOUR_MS],
    ['7 days', 0],
    ['7 days and a second', -1_000],
  ])('of 7 days still ships after %s', async (_name, beforeMs) => {
    const orderId = await place();
    await forwardToEndOfHold(orderId, beforeMs);
    const all = parcel([
      { sku: 'MUG-BLUE', quantity: 2 },
      { sku: 'TEAPOT-1L', quantity: 1 },
    ]);
    expect(await world.holdfast.ship(orderId, all)).toMatchObject({ accepted: true, state: 'shipped' });
  });

  it('that the bank does not renew stops shipping, asks the customer, and ends the order at the deadline', async () => {
    const orderId = await place();
    world.simulator.issueDecision(customerOf(orderId), 'insufficient_funds');
    await forwardToEndOfHold(orderId, 11 * HOUR_MS);
    expect(await view(orderId)).toMatchObject({ paymentState: 'payment_needed', waitingOn: 'customer' });
    expect(await world.holdfast.ship(orderId, mugs(1))).toMatchObject({ accepted: false, reason: 'payment_needed' });
    await forward(orderId, 2 * DAY_MS + HOUR_MS);
    expect(await endOf(orderId)).toMatchObject({ state: 'cancelled' });
    expect(intentsOf(orderId).every((one) => one.status === 'canceled')).toBe(true);
  });

  it('that the bank does not renew is renewed by the customer with another card', async () => {
    const orderId = await place();
    world.simulator.issueDecision(customerOf(orderId), 'insufficient_funds');
    await forwardToEndOfHold(orderId, 11 * HOUR_MS);
    expect(await world.holdfast.renewPayment(orderId, { paymentMethod: 'pm_card_mastercard' })).toMatchObject({
      accepted: true,
      state: 'authorized',
    });
    expect(await world.holdfast.ship(orderId, mugs(2))).toMatchObject({ accepted: true });
  });

  it('that is gone unseen is noticed and renewed when it should be captured', async () => {
    const deaf = await createWorld({ policy: { onHoldExpiring: 'ask' } });
    try {
      const orderId = await place({}, deaf);
      deaf.simulator.setWebhookEndpoint(undefined);
      deaf.simulator.clock.advanceBy(8 * DAY_MS);
      const answer = await deaf.holdfast.ship(
        orderId,
        parcel([
          { sku: 'MUG-BLUE', quantity: 2 },
          { sku: 'TEAPOT-1L', quantity: 1 },
        ]),
      );
      expect(answer).toMatchObject({ accepted: true, state: 'shipped' });
      expect(intentsOf(orderId, deaf).map((one) => one.status)).toEqual(['canceled', 'succeeded']);
      expect(await violations(deaf)).toEqual([]);
    } finally {
      await deaf.close();
    }
  });

  it('waits for a person where the policy says so, and for the customer when nobody decides', async () => {
    const asking = await createWorld({ policy: { onHoldExpiring: 'ask' } });
    try {
      const orderId = await place({}, asking);
      await forward(orderId, 7 * DAY_MS - 11 * HOUR_MS);
      expect(await view(orderId, asking)).toMatchObject({
        waitingOn: 'approver',
        exception: { kind: 'hold_decision' },
      });
      expect(await asking.holdfast.decideHold(orderId, { action: 'reauthorize' })).toMatchObject({ accepted: true });
      expect(await view(orderId, asking)).toMatchObject({ waitingOn: 'warehouse', paymentState: 'authorized' });
      await forwardToEndOfHold(orderId, -HOUR_MS, asking);
      expect(await view(orderId, asking)).toMatchObject({ waitingOn: 'customer', paymentState: 'payment_needed' });
    } finally {
      await asking.close();
    }
  });

  it('is captured where the policy says so', async () => {
    const capturing = await createWorld({ policy: { onHoldExpiring: 'capture' } });
    try {
      const orderId = await place({}, capturing);
      await forward(orderId, 7 * DAY_MS);
      expect(await view(orderId, capturing)).toMatchObject({ state: 'paid', paymentState: 'captured' });
      await forward(orderId, 8 * DAY_MS);
      expect(await view(orderId, capturing)).toMatchObject({ exception: { kind: 'shipment_overdue' } });
    } finally {
      await capturing.close();
    }
  });
});

describe('what an operator sees', () => {
  it('is whom the order waits for, until when and why', async () => {
    const orderId = await place();
    const handle = world.client.workflow.getHandle(`order-${orderId}`);
    const described = await eventually('the search attributes', async () => {
      const { typedSearchAttributes } = await handle.describe();
      const found = Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
      return found['WaitingOn'] === 'warehouse' && found;
    });
    expect(described).toMatchObject({ OrderId: orderId, OrderState: 'allocated', PaymentState: 'authorized' });
    expect(await world.holdfast.status(orderId)).toMatchObject({ waiting: { on: 'warehouse' } });
  });
});
