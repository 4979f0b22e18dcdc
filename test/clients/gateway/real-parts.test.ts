import { randomUUID } from 'node:crypto';
import Stripe from 'stripe';
import { pino } from 'pino';
import { createGateway, type Gateway, type GatewayDeps, type GatewayOptions } from '../../../clients/gateway';
import { createOrderQueries, createPool } from '../../../activities/storage';
import { gatewayDependencies } from '../../../workers/dependencies/gateway-dependencies';
import { sampleCart } from '../../support/carts';
import { collectMissedEvents } from '../../../workers/relays/missed-events';
import { closeConnections } from '../../support/environment';
import { eventually } from '../../support/time/eventually';
import { createWorld, type World } from '../../support/world';
import { API_KEY, request, type Answer } from '../support/gateway-fakes';

// The gateway over the real storage, the real webhook verifier and a real worker.

let world: World;
let deps: GatewayDeps;
let gateway: Gateway;
let url: string;

async function serve(changes: Partial<GatewayDeps> = {}, options: Partial<GatewayOptions> = {}): Promise<Gateway> {
  deps = { ...gatewayDependencies(world.dependencies, world.holdfast), ...changes };
  const served = await createGateway(deps, { apiKeys: [API_KEY], logger: pino({ level: 'silent' }), ...options });
  await served.listen(0, '127.0.0.1');
  return served;
}

beforeAll(async () => {
  world = await createWorld({ withoutRelays: true });
  gateway = await serve();
  url = gateway.url;
}, 60_000);
afterAll(async () => {
  await gateway.close();
  await world.close();
  await closeConnections();
});

const checkout = (body: unknown, key?: string): Promise<Answer> =>
  request(`${url}/v1/checkouts`, { body, headers: { 'idempotency-key': key } });

async function facts(): Promise<unknown> {
  const tables = ['orders', 'stock', 'inbox', 'outbox'];
  const counts = tables.map((table) => world.dependencies.pool.query(`SELECT count(*)::int AS n FROM ${table}`));
  const rows = (await Promise.all(counts)).map((one) => (one.rows as { n: number }[])[0]?.n);
  return { rows, intents: world.simulator.state.paymentIntents().length };
}

test('an order from checkout to delivered, by HTTP', async () => {
  const cart = sampleCart();
  const key = randomUUID();
  const placed = await checkout(cart, key);
  expect(placed).toMatchObject({ status: 201, body: { state: 'placed' } });
  const replayed = await checkout(cart, key);
  expect(replayed.body).toEqual(placed.body);
  expect(replayed.headers.get('idempotency-replayed')).toBe('true');
  expect((await checkout(cart)).body).toEqual(placed.body);

  const order = `${url}/v1/orders/${String(placed.body['orderId'])}`;
  // No relay runs here: the first command itself starts the order's workflow.
  const lines = cart.lines.map(({ sku, quantity }) => ({ sku, quantity }));
  const shipment = { lines, carrier: 'DHL', trackingNumber: 'JD 1' };
  const shipped = await request(`${order}/shipments`, { body: shipment });
  expect(shipped).toMatchObject({ status: 201, body: { shipmentId: 'dhl/JD 1', state: 'shipped' } });
  expect(await request(`${order}/cancel`, { body: { reason: 'late' } })).toMatchObject({ status: 409 });
  expect(await request(`${order}/deliveries`, { method: 'POST' })).toMatchObject({
    status: 200,
    body: { state: 'delivered' },
  });
  expect((await request(order)).body).toMatchObject({ state: 'delivered', paymentState: 'captured' });
  // Its workflow has ended: the command starts it anew, and is refused.
  expect((await request(`${order}/cancel`, { body: { reason: 'late' } })).status).toBe(409);
}, 60_000);

test('a warehouse that is not known is a wrong field, and one that has none is refused with its SKU; nothing is taken', async () => {
  const placed = await checkout(sampleCart({ lines: [{ sku: 'LAST-ONE', quantity: 1, unitAmount: 9900 }] }));
  const order = `${url}/v1/orders/${String(placed.body['orderId'])}`;
  const ship = (warehouseId: string): Promise<Answer> => {
    const body = { lines: [{ sku: 'LAST-ONE', quantity: 1 }], carrier: 'DHL', trackingNumber: 'JD 2', warehouseId };
    return request(`${order}/shipments`, { body });
  };
  expect(await ship('WH-1')).toMatchObject({
    status: 400,
    body: { code: 'invalid_request', errors: [{ field: 'warehouseId' }] },
  });
  expect(await ship('leipzig')).toMatchObject({
    status: 409,
    body: { code: 'not_in_warehouse', errors: [{ field: 'warehouseId', message: 'does not have enough of LAST-ONE' }] },
  });
  expect((await request(order)).body).toMatchObject({
    amounts: { captured: 0 },
    allocation: [{ sku: 'LAST-ONE', warehouseId: 'berlin', quantity: 1 }],
  });
  expect(await ship('berlin')).toMatchObject({ status: 201, body: { state: 'shipped' } });
}, 60_000);

test('a parcel that arrived before it left is refused and changes nothing; clocks may differ by minutes', async () => {
  const lines = [
    { sku: 'MUG-BLUE', quantity: 1, unitAmount: 1290 },
    { sku: 'CARD-GREETING', quantity: 1, unitAmount: 350 },
  ];
  const placed = await checkout(sampleCart({ lines }));
  const order = `${url}/v1/orders/${String(placed.body['orderId'])}`;
  const shipped: string[] = [];
  for (const { sku } of lines) {
    const body = { lines: [{ sku, quantity: 1 }], carrier: 'DHL', trackingNumber: `JD ${sku}` };
    shipped.push(String((await request(`${order}/shipments`, { body })).body['shipmentId']));
  }
  const [shipmentId, other] = shipped;
  const deliver = (body: unknown): Promise<Answer> => request(`${order}/deliveries`, { body });
  const early = new Date(Date.now() - 30 * 60_000).toISOString();
  const skewed = new Date(Date.now() - 2 * 60_000).toISOString();
  const refused = { status: 409, body: { code: 'delivered_before_shipped', errors: [{ field: 'deliveredAt' }] } };
  const before = (await request(order)).body;
  expect(await deliver({ shipmentId, deliveredAt: early })).toMatchObject(refused);
  expect(await deliver({ deliveredAt: '2001-01-01T00:00:00Z' })).toMatchObject(refused);
  expect((await request(order)).body).toEqual(before);
  expect(await deliver({ shipmentId, deliveredAt: skewed })).toMatchObject({ status: 200, body: { state: 'shipped' } });
  expect((await request(order)).body['shipments']).toMatchObject([{ shipmentId, deliveredAt: skewed }, {}]);
  // What has arrived stays as it was recorded; only what is under way is asked about.
  expect(await deliver({ shipmentId, deliveredAt: early })).toMatchObject(refused);
  expect(await deliver({ shipmentId: other })).toMatchObject({ status: 200, body: { state: 'delivered' } });
  expect(await deliver({ shipmentId: 'dhl/nowhere' })).toMatchObject({
    status: 409,
    body: { code: 'unknown_shipment', errors: [{ field: 'shipmentId' }] },
  });
}, 60_000);

test('unknown goods, wrong prices and a wrong currency are named, and nothing is changed', async () => {
  const before = await facts();
  const [line] = sampleCart().lines;
  const lines = [
    { sku: 'NO-SUCH', quantity: 1, unitAmount: 5 },
    { sku: line?.sku, quantity: 1, unitAmount: (line?.unitAmount ?? 0) + 1 },
  ];
  const unknown = await checkout({ ...sampleCart(), lines });
  expect(unknown.status).toBe(400);
  const fields = (unknown.body['errors'] as { field: string }[]).map((one) => one.field);
  expect(fields).toEqual(expect.arrayContaining(['lines.0.sku', 'lines.1.unitAmount']));
  expect((await checkout({ ...sampleCart(), currency: 'jpy' })).status).toBe(400);
  expect((await request(`${url}/v1/orders/ord_unknown/cancel`, { body: { reason: 'x' } })).status).toBe(404);
  expect(await facts()).toEqual(before);
});

test('a cart that became an order before its prices changed is that order; with other contents it is another purchase', async () => {
  const cart = sampleCart({ lines: [{ sku: 'CARD-GREETING', quantity: 1, unitAmount: 350 }] });
  const placed = await checkout(cart);
  await world.dependencies.pool.query("UPDATE catalogue_items SET unit_amount = 360 WHERE sku = 'CARD-GREETING'");
  expect(await checkout(cart)).toMatchObject({ status: 201, body: { orderId: placed.body['orderId'] } });
  const other = { ...cart, lines: [{ sku: 'CARD-GREETING', quantity: 2, unitAmount: 350 }] };
  expect(await checkout(other)).toMatchObject({ status: 409, body: { code: 'cart_changed', placed: true } });
  expect((await checkout({ ...other, cartId: 'cart-of-nobody' })).status).toBe(400);
});

test('lists and the stuck list are answered by Postgres', async () => {
  await checkout(sampleCart());
  const all = (await request(`${url}/v1/orders?limit=1`)).body['orders'] as { placedAt: string }[];
  expect(all).toHaveLength(1);
  const next = await request(`${url}/v1/orders?limit=1&before=${all[0]?.placedAt}`);
  expect(next.status).toBe(200);
  expect(next.body['orders']).not.toEqual(all);
  expect((await request(`${url}/v1/orders?stuck=true`)).body).toEqual({ orders: [] });
});

describe('webhooks', () => {
  const created = Math.floor(Date.now() / 1000);
  const event = (id: string): string =>
    JSON.stringify({
      id,
      object: 'event',
      type: 'payment_intent.canceled',
      created,
      data: { object: { id: 'pi_1', object: 'payment_intent' } },
    });
  const deliver = (payload: string, timestamp = created, secret = world.simulator.webhookSecret): Promise<Answer> => {
    const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
    return request(`${url}/webhooks/stripe`, { body: payload, headers: { 'stripe-signature': signature } });
  };

  test('an event with the provider’s own signature is stored once', async () => {
    const payload = event(`evt_${randomUUID()}`);
    expect(await deliver(payload)).toMatchObject({ status: 200, body: { duplicate: false } });
    expect(await deliver(payload)).toMatchObject({ status: 200, body: { duplicate: true } });
  });

  test('an event of 2 MB is stored and counted, even if it cannot be parsed', async () => {
    const large = 'x'.repeat(2 * 1024 * 1024);
    const eventId = `evt_${randomUUID()}`;
    const object = { id: 'pi_1', object: 'payment_intent', description: large };
    const readable = { id: eventId, object: 'event', type: 'payment_intent.large', created, data: { object } };
    expect(await deliver(JSON.stringify(readable))).toMatchObject({ status: 200, body: { duplicate: false } });
    expect(await deliver(`{"object":"event","x":"${large}`)).toMatchObject({ status: 200, body: { duplicate: false } });
    const { rows } = await world.dependencies.pool.query<{ type: string }>(
      "SELECT type FROM inbox WHERE event_id = $1 OR type = 'unreadable' ORDER BY type",
      [eventId],
    );
    expect(rows.map((row) => row.type)).toEqual(['payment_intent.large', 'unreadable']);
    const metrics = (await request(`${url}/metrics`)).body['text'] as string;
    for (const type of ['payment_intent.large', 'unreadable'])
      expect(metrics).toContain(`holdfast_webhook_events_total{type="${type}",result="stored"} 1`);
  });

  test('forged, stale and future events are refused, and nothing is stored', async () => {
    const before = await facts();
    const payload = event(`evt_${randomUUID()}`);
    expect(await deliver(payload, created, 'whsec_forged')).toMatchObject({
      status: 400,
      body: { code: 'bad_signature' },
    });
    expect(await deliver(payload, created - 3_600)).toMatchObject({ status: 400, body: { code: 'stale' } });
    expect(await deliver(payload, created + 3_600)).toMatchObject({ status: 400, body: { code: 'future' } });
    expect(await facts()).toEqual(before);
  });
});

test('Postgres away: 503 for orders and webhooks, and /readyz names it', async () => {
  const pool = createPool('postgres://nobody@127.0.0.1:1/none');
  const away = await serve({
    orders: createOrderQueries(pool),
    readiness: { postgres: () => pool.query('SELECT 1'), temporal: () => Promise.resolve() },
  });
  expect(await request(`${away.url}/v1/orders/ord_1`)).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  expect(await request(`${away.url}/readyz`)).toMatchObject({
    status: 503,
    body: { checks: { postgres: 'failed', temporal: 'ok' } },
  });
  await away.close();
  await pool.end();
});

test('an event too large for the gateway is counted, and fetched later as a missed event', async () => {
  const { simulator, dependencies } = world;
  const small = await serve({}, { webhookLimitBytes: 100 });
  simulator.setWebhookEndpoint(`${small.url}/webhooks/stripe`);
  const { id } = await dependencies.stripe.paymentIntents.create({ amount: 900, currency: 'eur' });
  await dependencies.stripe.paymentIntents.cancel(id);
  const isKept = async (): Promise<boolean> =>
    (await dependencies.pool.query('SELECT 1 FROM inbox WHERE payment_intent_id = $1', [id])).rows.length > 0;
  await eventually('the event to be refused', async () => {
    const { text } = (await request(`${small.url}/metrics`)).body as { text: string };
    return text.includes('holdfast_webhook_events_total{type="unverified",result="too_large"}');
  });
  expect(await isKept()).toBe(false);
  await collectMissedEvents(dependencies.eventLister, dependencies.inbox);
  expect(await isKept()).toBe(true);
  await small.close();
});
