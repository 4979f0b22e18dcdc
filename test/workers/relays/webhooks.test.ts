import type { CheckoutRequest } from '../../../clients/client';
import { isActedOn } from '../../../workers/relays/inbox-dispatcher';
import { collectMissedEvents } from '../../../workers/relays/missed-events';
import { workflowIds } from '../../../workflows/kit/names';
import type { WebhookFaults } from '../../../workers/embedded/stripe/server';
import { sampleCart } from '../../support/carts';
import { getConnection, testEnvironment } from '../../support/environment';
import { eventually } from '../../support/time/eventually';
import { violations } from '../../support/invariants/invariants';
import { agreesAfterEach } from '../../support/shop';
import { check, fc } from '../../support/property';
import { fastForward } from '../../support/time/time';
import { closeConnections, createWorld } from '../../support/world';
import { heardOf, inboxOf } from './inbox-of';
import type { World } from '../../support/world';

const MINUTE_MS = 60_000;

let world: World;

beforeAll(async () => {
  world = await createWorld();
});

// The money agrees only once held webhooks are released: hooks after a test run in the order in which they are written.
afterEach(() => {
  world.simulator.setWebhookFaults({});
  world.simulator.releaseWebhooks();
});
agreesAfterEach(() => world);

afterAll(async () => {
  await world.close();
  await closeConnections();
});

const ASKS_3DS: Partial<CheckoutRequest> = { paymentMethod: 'pm_card_authenticationRequired' };
const intentsOf = (orderId: string) =>
  world.simulator.state.paymentIntents().filter((intent) => intent.metadata['holdfast_order_id'] === orderId);
const resultOf = (cartId: string) => world.client.workflow.getHandle(workflowIds.checkout(cartId)).result();

async function forward(workflowId: string, ms: number): Promise<void> {
  await fastForward(await getConnection(), testEnvironment().temporalNamespace, workflowId, ms);
}

async function allocated(orderId: string): Promise<void> {
  await eventually('the order to live', async () => {
    const order = await world.dependencies.queries.getOrder(orderId);
    return order?.state === 'allocated';
  });
}

/** Everything that was sent has been looked at. */
async function quiet(): Promise<void> {
  await world.simulator.flush();
  await eventually('the inbox to be done', async () => {
    const { pending, waiting } = await world.dependencies.inbox.countByStatus();
    return pending + waiting === 0;
  });
}

/** A plain order, one after 3-D Secure, one that is cancelled and one that ships in part: what became of them and their money. */
async function playOrders(): Promise<unknown> {
  const lines = [{ sku: 'MUG-BLUE', quantity: 2, unitAmount: 1290 }];
  const carts = [
    sampleCart({ lines }),
    sampleCart({ lines, ...ASKS_3DS }),
    sampleCart({ lines }),
    sampleCart({ lines }),
  ];
  const answers = await Promise.all(carts.map((cart) => world.holdfast.checkout(cart)));
  const orderIds = answers.map((answer) => ('orderId' in answer ? answer.orderId : JSON.stringify(answer)));
  const [plain = '', secured = '', cancelled = '', partly = ''] = orderIds;
  world.simulator.completeAuthentication(intentsOf(secured)[0]?.id ?? '', 'succeed');
  // Where no webhook tells it, asking does.
  await forward(workflowIds.checkout(carts[1]?.cartId ?? ''), 10 * MINUTE_MS);
  await resultOf(carts[1]?.cartId ?? '');
  await Promise.all(orderIds.map(allocated));
  const mugs = (quantity: number, trackingNumber: string) => ({
    lines: [{ sku: 'MUG-BLUE', quantity }],
    carrier: 'dhl',
    trackingNumber,
  });
  await Promise.all([
    world.holdfast.ship(plain, mugs(2, 'A')),
    world.holdfast.ship(secured, mugs(2, 'A')),
    world.holdfast.cancel(cancelled, { reason: 'changed_mind' }),
    world.holdfast.ship(partly, mugs(1, 'A')),
  ]);
  await eventually('the rest to be held', () => intentsOf(partly).length === 2);
  world.simulator.releaseWebhooks('shuffled');
  await quiet();
  return Promise.all(
    orderIds.map(async (orderId) => {
      const order = await eventually('the hold to be recorded', async () => {
        const found = await world.dependencies.queries.getOrder(orderId);
        return found !== undefined && found.waitingOn !== 'provider' && found;
      });
      const { state, paymentState, amounts, exception } = order;
      const money = intentsOf(orderId).map(({ status, amount_received }) => ({ status, amount_received }));
      return { state, paymentState, amounts, exception, money };
    }),
  );
}

/** What the network may do to webhooks; the empty one is what all others must come to. */
const networks: fc.Arbitrary<WebhookFaults> = fc.record({
  copies: fc.constantFrom(1, 3),
  reorderWindow: fc.constantFrom(1, 4, 16),
  concurrency: fc.constantFrom(1, 8),
  hold: fc.boolean(),
  dropProbability: fc.constantFrom(0, 0.5, 1),
});

describe('webhooks', () => {
  it('permuted, repeated, held back or lost lead to the same orders and the same money', async () => {
    const expected = await playOrders();
    expect(expected).toMatchObject([
      { state: 'shipped', paymentState: 'captured' },
      { state: 'shipped', paymentState: 'captured' },
      { state: 'cancelled', paymentState: 'voided' },
      { state: 'allocated', paymentState: 'partially_captured' },
    ]);
    const same = fc.asyncProperty(networks, async (faults) => {
      world.simulator.setWebhookFaults(faults);
      expect(await playOrders()).toEqual(expected);
      world.simulator.setWebhookFaults({});
      expect(await eventually('the money to agree', async () => (await violations(world)).length === 0)).toBe(true);
    });
    const lost: WebhookFaults = { copies: 1, reorderWindow: 1, concurrency: 8, hold: false, dropProbability: 1 };
    const tripled: WebhookFaults = { ...lost, copies: 3, reorderWindow: 16, dropProbability: 0 };
    await check('webhooks may do as they like', same, {
      numRuns: 6,
      endOnFailure: true,
      examples: [[lost], [tripled]],
    });
  }, 120_000);

  it('that arrive long after the order’s end change nothing', async () => {
    world.simulator.setWebhookFaults({ hold: true });
    const answer = await world.holdfast.checkout(sampleCart());
    if (answer.state !== 'placed') throw new Error(`not placed: ${JSON.stringify(answer)}`);
    const { orderId } = answer;
    await allocated(orderId);
    const shipment = { lines: [{ sku: 'MUG-BLUE', quantity: 2 }], carrier: 'dhl', trackingNumber: 'LATE' };
    await world.holdfast.ship(orderId, shipment);
    await world.holdfast.deliver(orderId);
    const handle = world.client.workflow.getHandle(workflowIds.order(orderId));
    await handle.result();
    const before = await world.dependencies.queries.getOrder(orderId);
    const { runId } = await handle.describe();
    world.simulator.setWebhookFaults({});
    world.simulator.releaseWebhooks('reversed');
    await quiet();
    expect(await world.dependencies.queries.getOrder(orderId)).toEqual(before);
    expect((await handle.describe()).runId).toBe(runId);
  });

  it('of other kinds, and of payments that are not ours, are stored and counted and wake no workflow', async () => {
    const before = await world.dependencies.inbox.countByStatus();
    const now = new Date().toISOString();
    const event = (eventId: string, type: string, object: object) =>
      world.dependencies.inbox.receive({
        eventId,
        provider: 'stripe',
        type,
        paymentIntentId: 'pi_foreign',
        payload: { data: { object } },
        createdAt: now,
      });
    await event('evt_kind', 'customer.tax_id.created', {});
    await event('evt_foreign', 'payment_intent.succeeded', { id: 'pi_foreign', metadata: {} });
    expect(await event('evt_foreign', 'payment_intent.succeeded', { id: 'pi_foreign', metadata: {} })).toBe(
      'duplicate',
    );
    await quiet();
    const after = await world.dependencies.inbox.countByStatus();
    expect([after.ignored, after.foreign]).toEqual([before.ignored + 1, before.foreign + 1]);
  });

  it('of an order that is not recorded yet wait for it', async () => {
    const object = { id: 'pi_early', metadata: { holdfast_order_id: 'ord_early' } };
    await world.dependencies.inbox.receive({
      eventId: 'evt_early',
      provider: 'stripe',
      type: 'payment_intent.succeeded',
      paymentIntentId: 'pi_early',
      payload: { data: { object } },
      createdAt: new Date().toISOString(),
    });
    await eventually('it to wait', async () => (await world.dependencies.inbox.countByStatus()).waiting === 1);
    const { pool, inbox } = world.dependencies;
    const { rows } = await pool.query<{ last_error: string }>(
      `SELECT last_error FROM inbox WHERE event_id = 'evt_early'`,
    );
    expect(rows).toEqual([{ last_error: 'its order is not known yet' }]);
    await inbox.ignore('evt_early');
  });

  it('of an order that was never placed here, and of a payment that Stripe does not know, end after some minutes, counted', async () => {
    const begun = await world.holdfast.checkout(sampleCart());
    if (begun.state !== 'placed') throw new Error(`not placed: ${JSON.stringify(begun)}`);
    const { orderId } = begun;
    const inbox = inboxOf(() => world);
    const named = (id: string, order: string) => ({
      ...{ id, object: 'payment_intent', metadata: { holdfast_order_id: order } },
    });
    const type = 'payment_intent.succeeded';
    const [foreign, ours] = [
      await inbox.receive(type, named('pi_of_others', 'ord_of_others')),
      await inbox.receive(type, named('pi_of_ours', orderId)),
    ];
    const { foreign: before } = await world.dependencies.inbox.countByStatus();
    for (const eventId of [foreign, ours]) {
      await inbox.until(eventId, 'waiting');
      await inbox.age(eventId, 9);
    }
    await inbox.until(foreign, 'ignored');
    expect(await heardOf(world, foreign)).toMatchObject({ attempts: 10, last_error: 'its order is not known here' });
    // Events of the tests before may end meanwhile.
    expect((await world.dependencies.inbox.countByStatus()).foreign).toBeGreaterThan(before);
    await inbox.until(ours, 'ignored');
    expect(await heardOf(world, ours)).toMatchObject({ attempts: 10 });
  });

  it('that never arrived are fetched by polling', async () => {
    world.simulator.setWebhookFaults({ dropTypes: ['*'] });
    await world.holdfast.checkout(sampleCart());
    world.simulator.setWebhookFaults({});
    const missing = world.simulator.state
      .events()
      .filter((event) => event.delivery === 'dropped' && isActedOn(event.type));
    expect(missing.length).toBeGreaterThan(0);
    const { eventLister, inbox, pool } = world.dependencies;
    const stored = async (): Promise<number> => {
      const { rows } = await pool.query<{ count: number }>(
        'SELECT count(*)::int AS count FROM inbox WHERE event_id = ANY ($1)',
        [missing.map((event) => event.id)],
      );
      return rows[0]?.count ?? 0;
    };
    expect(await stored()).toBe(0);
    await collectMissedEvents(eventLister, inbox);
    await collectMissedEvents(eventLister, inbox);
    expect(await stored()).toBe(missing.length);
    await quiet();
  });

  it('of a hold that was made after its attempt was undone void the hold', async () => {
    const cart = sampleCart({ ...ASKS_3DS });
    const asked = await world.holdfast.checkout(cart);
    if (asked.state !== 'requires_action') throw new Error(`not asked: ${JSON.stringify(asked)}`);
    const late = { orderId: asked.orderId, paymentIntentId: '' };
    await world.client.workflow.getHandle(workflowIds.checkout(cart.cartId)).cancel();
    await resultOf(cart.cartId);
    await quiet();
    // The bank's answer to a request that was under way when everything was undone: a hold that nobody waits for.
    const { stripe, pool } = world.dependencies;
    const intent = await stripe.paymentIntents.create({
      amount: 3640,
      currency: 'eur',
      capture_method: 'manual',
      confirm: true,
      payment_method: 'pm_card_visa',
      automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
      metadata: { holdfast_order_id: asked.orderId, holdfast_attempt: '1' },
    });
    late.paymentIntentId = intent.id;
    await pool.query('UPDATE payment_attempts SET payment_intent_id = $2 WHERE order_id = $1 AND attempt = 1', [
      late.orderId,
      intent.id,
    ]);
    await eventually('the late hold to be let go', () => {
      const found = world.simulator.state.paymentIntent(intent.id);
      return found?.status === 'canceled';
    });
    await quiet();
  });
});
