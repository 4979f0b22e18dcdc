import { createIdempotencyStore, createInbox, createOutbox } from '../../../activities/storage';
import { subjectOf } from '../../../workflows/domain/events';
import { openShop, type Shop } from './shop';

let shop: Shop;
let clock = Date.parse('2026-01-01T00:00:00Z');
const now = (): Date => new Date(clock);
beforeAll(async () => void (shop = await openShop()));
afterAll(() => shop.close());

const event = (eventId: string) => ({
  eventId,
  provider: 'stripe',
  type: 'payment_intent.succeeded',
  paymentIntentId: 'pi_1',
  payload: { data: { email: 'buyer@example.org' } },
  createdAt: '2026-01-01T00:00:00.000Z',
});

test('an event is stored once, claimed by one, retried later, and done', async () => {
  const inbox = createInbox({ ...shop, now });
  const received = await Promise.all([1, 2, 3].map(() => inbox.receive(event('evt_1'))));
  expect(received.sort()).toEqual(['duplicate', 'duplicate', 'stored']);
  const claims = await Promise.all([inbox.claimDue(10, 1_000), inbox.claimDue(10, 1_000)]);
  expect(claims.flat()).toEqual([{ ...event('evt_1'), attempts: 1, receivedAt: now().toISOString() }]);
  expect(await inbox.claimDue(10, 1_000)).toEqual([]);
  clock += 1_000;
  expect(await inbox.claimDue(10, 1_000)).toMatchObject([{ eventId: 'evt_1', attempts: 2 }]);
  await inbox.retryLater('evt_1', 'its order is not known yet', 5_000);
  expect(await inbox.countByStatus()).toEqual({ pending: 0, waiting: 1, done: 0, ignored: 0 });
  clock += 4_999;
  expect(await inbox.claimDue(10, 1_000)).toEqual([]);
  clock += 1;
  expect(await inbox.claimDue(10, 1_000)).toHaveLength(1);
  await inbox.complete('evt_1');
  await inbox.receive(event('evt_2'));
  await inbox.ignore('evt_2');
  clock += 10_000;
  expect(await inbox.claimDue(10, 1_000)).toEqual([]);
  expect(await inbox.receive(event('evt_1'))).toBe('duplicate');
  expect(await inbox.countByStatus()).toEqual({ pending: 0, waiting: 0, done: 1, ignored: 1 });
  expect(await shop.sql(`SELECT 1 FROM inbox t WHERE t::text ~ 'buyer@|example'`)).toEqual([]);
});

test('events leave in the order of their order, also with two relays and a lease that runs out', async () => {
  const outbox = createOutbox({ ...shop, now });
  for (const id of ['out-1', 'out-2', 'out-3']) {
    await shop.place(id);
    await shop.orders.allocateOrder({ orderId: id });
  }
  const [first, second] = await Promise.all([outbox.claimUnpublished(4, 1_000), outbox.claimUnpublished(4, 1_000)]);
  const seen = [...(first ?? []), ...(second ?? [])].map((one) => `${subjectOf(one)}/${one.sequence}`);
  expect(new Set(seen).size).toBe(seen.length);
  // out-3 is wholly in the second batch; nothing of out-2 was given while its first event was with the other relay.
  const batches = [first ?? [], second ?? []].sort((one, other) => other.length - one.length);
  expect(batches[0]?.map((one) => one.sequence)).toEqual([1, 2, 1, 2]);
  await outbox.markPublished((batches[0] ?? []).slice(0, 1).map((one) => one.eventId));
  expect(await outbox.claimUnpublished(10, 1_000)).toEqual([]);
  clock += 1_001;
  const again = await outbox.claimUnpublished(10, 1_000);
  expect(again.map((one) => `${subjectOf(one)}/${one.sequence}`)).toEqual([
    'out-1/2',
    'out-2/1',
    'out-2/2',
    'out-3/1',
    'out-3/2',
  ]);
  await outbox.markPublished(again.map((one) => one.eventId));
  expect(await outbox.countUnpublished()).toBe(0);
  expect(again[1]).toMatchObject({
    type: 'OrderPlaced',
    version: 1,
    causation: 'place:out-2',
    data: { channel: 'web' },
  });
});

test('no later event is claimed while an earlier one of its order is with another relay', async () => {
  const outbox = createOutbox({ ...shop, now });
  await shop.place('lease-1');
  expect(await outbox.claimUnpublished(10, 1_000)).toHaveLength(1);
  await shop.orders.allocateOrder({ orderId: 'lease-1' });
  expect(await outbox.claimUnpublished(10, 1_000)).toEqual([]);
});

test('an idempotency key answers once, and tells other requests apart', async () => {
  const store = createIdempotencyStore({ ...shop, now });
  const begin = (fingerprint = 'f') => store.begin('POST /v1/checkouts', 'key-1', fingerprint);
  const started = await Promise.all([begin(), begin(), begin()]);
  expect(started.map((one) => one.kind).sort()).toEqual(['in_flight', 'in_flight', 'new']);
  expect(await begin('other')).toEqual({ kind: 'mismatch' });
  await store.abandon('POST /v1/checkouts', 'key-1');
  expect(await begin()).toEqual({ kind: 'new' });
  clock += 119_999;
  expect(await begin()).toEqual({ kind: 'in_flight' });
  clock += 2;
  expect(await begin()).toEqual({ kind: 'new' });
  await store.finish('POST /v1/checkouts', 'key-1', 201, { orderId: 'o' });
  expect(await begin()).toEqual({ kind: 'replay', status: 201, body: { orderId: 'o' } });
  expect(await begin('other')).toEqual({ kind: 'mismatch' });
  await store.abandon('POST /v1/checkouts', 'key-1');
  expect(await begin()).toMatchObject({ kind: 'replay' });
  expect(await store.begin('POST /v1/orders', 'key-1', 'f')).toEqual({ kind: 'new' });
});

test('relays are woken by what is written', async () => {
  const client = await shop.pool.connect();
  const heard = new Promise<string>((resolve) => client.on('notification', (message) => resolve(message.channel)));
  await client.query('LISTEN holdfast_outbox');
  await shop.place('notify-1');
  expect(await heard).toBe('holdfast_outbox');
  client.release(true);
});
