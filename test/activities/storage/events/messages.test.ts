import { createIdempotencyStore, createInbox, createOutbox } from '../../../../activities/storage';
import { subjectOf } from '../../../../workflows/domain/shared/events';
import { openShop, type Shop } from '../shop';

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
  expect(await inbox.countByStatus()).toEqual({ pending: 0, waiting: 1, done: 0, ignored: 0, failed: 0, foreign: 0 });
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
  expect(await inbox.countByStatus()).toEqual({ pending: 0, waiting: 0, done: 1, ignored: 1, failed: 0, foreign: 0 });
  expect(await shop.sql(`SELECT 1 FROM inbox t WHERE t::text ~ 'buyer@|example'`)).toEqual([]);
});

test('an event whose content can no longer be decrypted does not block the others', async () => {
  const inbox = createInbox({ ...shop, now });
  await inbox.receive(event('evt_lost'));
  await inbox.receive(event('evt_read'));
  await shop.sql(`UPDATE inbox SET payload = 'x' WHERE event_id = 'evt_lost'`);
  const claimed = await inbox.claimDue(10, 1_000);
  expect(claimed.map(({ eventId, payload }) => [eventId, payload === undefined]).sort()).toEqual([
    ['evt_lost', true],
    ['evt_read', false],
  ]);
  for (const { eventId } of claimed) await inbox.ignore(eventId);
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
  // It is allocated as it is placed: OrderAllocated waits behind OrderPlaced.
  expect(await outbox.claimUnpublished(1, 1_000)).toMatchObject([{ type: 'OrderPlaced' }]);
  expect(await outbox.claimUnpublished(10, 1_000)).toEqual([]);
  expect(await outbox.countUnpublished()).toBe(2);
});

describe('an idempotency key', () => {
  const scope = 'api-key:1 POST /v1/checkouts';
  const open = () => createIdempotencyStore({ ...shop, now });
  const taken = async (key: string, fingerprint = 'f') => {
    const begun = await open().begin(scope, key, fingerprint);
    if (begun.kind !== 'new') throw new Error(`the key is ${begun.kind}`);
    return begun.lease;
  };
  /** What became of the lease of a process that was killed. */
  const expire = (key: string) =>
    shop.sql("UPDATE idempotency_keys SET leased_until = now() - interval '1 ms' WHERE key = $1", [key]);

  test('answers once, and distinguishes other requests', async () => {
    const begin = (fingerprint = 'f', of = scope) => open().begin(of, 'key-1', fingerprint);
    const started = await Promise.all([begin(), begin(), begin()]);
    expect(started.map((one) => one.kind).sort()).toEqual(['in_flight', 'in_flight', 'new']);
    const lease = started.flatMap((one) => (one.kind === 'new' ? [one.lease] : []))[0];
    if (lease === undefined) throw new Error('nobody has the key');
    expect(await begin('other')).toEqual({ kind: 'mismatch' });
    await open().finish(lease, 201, { orderId: 'o' });
    expect(await begin()).toEqual({ kind: 'replay', status: 201, body: { orderId: 'o' } });
    expect(await begin('other')).toEqual({ kind: 'mismatch' });
    await open().forget(lease);
    expect(await begin()).toMatchObject({ kind: 'replay' });
    expect(await begin('f', 'api-key:2 POST /v1/checkouts')).toMatchObject({ kind: 'new' });
  });

  test('that was released is open for the same request alone; one that was forgotten for any', async () => {
    const lease = await taken('key-2');
    await open().release(lease);
    expect(await open().begin(scope, 'key-2', 'other')).toEqual({ kind: 'mismatch' });
    await open().forget(await taken('key-2'));
    await taken('key-2', 'other');
  });

  test('is another process’s once its lease has ended, and the first one’s answer counts no more', async () => {
    const lost = await taken('key-3');
    await open().renew(lost);
    expect(await open().begin(scope, 'key-3', 'f')).toEqual({ kind: 'in_flight' });
    await expire('key-3');
    const lease = await taken('key-3');
    await open().finish(lost, 201, { from: 'the first' });
    await open().release(lost);
    expect(await open().begin(scope, 'key-3', 'f')).toEqual({ kind: 'in_flight' });
    await open().finish(lease, 201, { from: 'the second' });
    expect(await open().begin(scope, 'key-3', 'f')).toMatchObject({ body: { from: 'the second' } });
  });
});

test('relays are woken by what is written', async () => {
  const client = await shop.pool.connect();
  const heard = new Promise<string>((resolve) => client.on('notification', (message) => resolve(message.channel)));
  await client.query('LISTEN holdfast_outbox');
  await shop.place('notify-1');
  expect(await heard).toBe('holdfast_outbox');
  client.release(true);
});
