import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { createGateway, type Gateway } from '../../../clients/gateway';
import { gatewayDependencies } from '../../../workers/dependencies/gateway-dependencies';
import { sampleCart } from '../../support/carts';
import { closeConnections } from '../../support/environment';
import { eventually } from '../../support/time/eventually';
import { createWorld, type World } from '../../support/world';
import { API_KEY, request, type Answer } from '../support/gateway-fakes';

// Idempotency keys over real parts: only what is final is kept, by the gateway and under the ids of updates.

let world: World;
let gateway: Gateway;

beforeAll(async () => {
  world = await createWorld();
  gateway = await createGateway(gatewayDependencies(world.dependencies, world.holdfast), {
    apiKeys: [API_KEY],
    logger: pino({ level: 'silent' }),
  });
  await gateway.listen(0, '127.0.0.1');
}, 60_000);
afterAll(async () => {
  await gateway.close();
  await world.close();
  await closeConnections();
});

const post = (path: string, body: unknown, key?: string): Promise<Answer> =>
  request(`${gateway.url}${path}`, { body, headers: { 'idempotency-key': key } });
const lastOne = { lines: [{ sku: 'LAST-ONE', quantity: 1, unitAmount: 9900 }], taxAmount: 0, shippingAmount: 0 };
const stock = (pieces: number) =>
  world.dependencies.pool.query("UPDATE stock SET on_hand = reserved + $1 WHERE sku = 'LAST-ONE'", [pieces]);

async function placed(): Promise<string> {
  const answer = await post('/v1/checkouts', sampleCart());
  expect(answer.status).toBe(201);
  return String(answer.body['orderId']);
}

/** The same request with the same key, by HTTP and by the library. */
const ways = {
  http: async (cart: ReturnType<typeof sampleCart>, key: string) => (await post('/v1/checkouts', cart, key)).body,
  library: async (cart: ReturnType<typeof sampleCart>, idempotencyKey: string) =>
    ({ ...(await world.holdfast.checkout(cart, { idempotencyKey })) }) as Readonly<Record<string, unknown>>,
};

describe.each(Object.entries(ways))('the same key again, by %s', (_, checkout) => {
  test('after 3-D Secure was passed: placed', async () => {
    const [cart, key] = [sampleCart({ paymentMethod: 'pm_card_authenticationRequired' }), randomUUID()];
    const asked = await checkout(cart, key);
    for (let count = 0; count < 3; count += 1) expect(await checkout(cart, key)).toEqual(asked);
    world.simulator.completeAuthentication(String(asked['paymentIntentId']), 'succeed');
    await eventually('the order', async () => (await checkout(cart, key))['state'] === 'placed');
  });

  test('after stock has come in: placed', async () => {
    await stock(0);
    const [cart, key] = [sampleCart(lastOne), randomUUID()];
    expect(await checkout(cart, key)).toMatchObject({ sku: 'LAST-ONE', available: 0 });
    expect(await checkout(cart, key)).toMatchObject({ sku: 'LAST-ONE', available: 0 });
    await stock(1);
    expect(await checkout(cart, key)).toMatchObject({ state: 'placed' });
  });

  test('after a decline: the same decline, and the card is not tried again', async () => {
    const [cart, key] = [sampleCart({ paymentMethod: 'pm_card_visa_chargeDeclined' }), randomUUID()];
    const declined = await checkout(cart, key);
    expect(await checkout(cart, key)).toEqual(declined);
    const intent = world.simulator.state
      .paymentIntents()
      .find((one) => one.metadata['holdfast_cart_id'] === cart.cartId);
    expect(world.simulator.state.chargesOf(intent?.id ?? '')).toHaveLength(1);
  });
});

test('a command that was refused because of a passing failure succeeds under the same key', async () => {
  const path = `/v1/orders/${await placed()}/deliveries`;
  const key = randomUUID();
  expect(await post(path, {}, key)).toMatchObject({ status: 409, body: { code: 'nothing_shipped' } });
  const lines = [{ sku: 'MUG-BLUE', quantity: 2 }];
  const shipment = { lines, carrier: 'dhl', trackingNumber: randomUUID() };
  expect((await post(path.replace('deliveries', 'shipments'), shipment)).status).toBe(201);
  expect(await post(path, {}, key)).toMatchObject({ status: 200, body: { state: 'delivered' } });
});

test('one key for two orders is two requests', async () => {
  const key = randomUUID();
  for (const orderId of [await placed(), await placed()]) {
    expect(await post(`/v1/orders/${orderId}/cancel`, { reason: 'r' }, key)).toMatchObject({
      status: 200,
      body: { orderId },
    });
  }
});

describe('a request in flight', () => {
  const leasedUntil = async (key: string): Promise<number> => {
    const text = 'SELECT leased_until AS at FROM idempotency_keys WHERE key = $1';
    const { rows } = await world.dependencies.pool.query<{ at: Date }>(text, [key]);
    return rows[0]?.at.getTime() ?? 0;
  };

  test('keeps its lease for as long as its process lives, and loses it within seconds of its end', async () => {
    const [cart, key] = [sampleCart(), randomUUID()];
    const { faults } = world.simulator;
    const held = faults.add({
      match: { pathPattern: '/v1/payment_intents$' },
      action: { kind: 'hold', when: 'after' },
    });
    const first = post('/v1/checkouts', cart, key);
    const began = await eventually('the lease', async () => (await leasedUntil(key)) || undefined);
    expect(began - Date.now()).toBeLessThan(10_000);
    await eventually('the lease to be renewed', async () => (await leasedUntil(key)) > began);
    expect(await post('/v1/checkouts', cart, key)).toMatchObject({ body: { code: 'idempotency_in_flight' } });
    // As if the process had been killed a moment ago: nobody renews, and the retry joins the workflow.
    await world.dependencies.pool.query('UPDATE idempotency_keys SET leased_until = now() WHERE key = $1', [key]);
    const retry = post('/v1/checkouts', cart, key);
    faults.release(held);
    const [one, other] = await Promise.all([first, retry]);
    expect(other).toMatchObject({ status: 201, body: { orderId: one.body['orderId'] } });
  });
});
