import {
  checkMoneyInvariants,
  createIdempotencyStore,
  createInbox,
  createNoticeStore,
  createPaymentStore,
  createOutbox,
  createPool,
  prune,
} from '../../../../activities/storage';
import { transact } from '../../../../activities/storage/postgres/database';
import { cancelNotices, queueNotice } from '../../../../activities/storage/notices/notices';
import { statement } from '../../../../activities/storage/postgres/statements';
import { openShop, type Shop } from '../shop';

const DAY_MS = 86_400_000;
/** Far from the clock of the computer: nothing here may ask it. */
const START = Date.parse('2031-03-01T00:00:00Z');

let shop: Shop;
let clock = START;
const now = (): Date => new Date(clock);
const at = (ms: number): Date => new Date(START + ms);
beforeEach(async () => {
  clock = START;
  shop = await openShop();
});
afterEach(() => shop.close());

const NOTHING = {
  inbox: 0,
  outbox: 0,
  idempotencyKeys: 0,
  notices: 0,
  providerKeys: 0,
  operations: 0,
  auditLog: 0,
  authorizationResults: 0,
};

const event = (eventId: string) => ({
  eventId,
  provider: 'stripe',
  type: 'payment_intent.succeeded',
  payload: {},
  createdAt: now().toISOString(),
});

test('finished provider events go after 31 days; those that wait stay for ever', async () => {
  const inbox = createInbox({ ...shop, now });
  for (const id of ['evt_done', 'evt_ignored', 'evt_pending', 'evt_waiting']) await inbox.receive(event(id));
  await inbox.complete('evt_done');
  await inbox.ignore('evt_ignored');
  await inbox.retryLater('evt_waiting', 'its order is not known yet', 1_000);
  expect(await prune(shop.pool, at(31 * DAY_MS))).toEqual(NOTHING);
  // For as long as the provider may list it again, it is known.
  expect(await inbox.receive(event('evt_done'))).toBe('duplicate');
  expect(await prune(shop.pool, at(31 * DAY_MS + 1))).toEqual({ ...NOTHING, inbox: 2 });
  expect(await prune(shop.pool, at(1_000 * DAY_MS))).toEqual(NOTHING);
  expect(await inbox.countByStatus()).toEqual({ pending: 1, waiting: 1, done: 0, ignored: 0, failed: 0, foreign: 0 });
});

test('published events go after 30 days, oldest first; those not published stay for ever', async () => {
  const outbox = createOutbox({ ...shop, now });
  const sequences = (): Promise<unknown[]> =>
    shop.sql('SELECT sequence FROM outbox WHERE order_id = $1 ORDER BY sequence', ['o-1']);
  await shop.place('o-1');
  await shop.orders.allocateOrder({ orderId: 'o-1' });
  await shop.orders.warnOfHold({ orderId: 'o-1' });
  const [first, second] = await outbox.claimUnpublished(10, 1_000);
  // The later one is marked as published before the earlier one.
  await outbox.markPublished([second?.eventId ?? '']);
  clock += DAY_MS;
  await outbox.markPublished([first?.eventId ?? '']);
  // What the bank answered is from the clock of the computer.
  expect(await prune(shop.pool, at(30 * DAY_MS + 1))).toEqual({ ...NOTHING, authorizationResults: 1 });
  const pruned = [await prune(shop.pool, at(31 * DAY_MS + 1)), await prune(shop.pool, at(31 * DAY_MS + 1))];
  expect(pruned).toEqual([
    { ...NOTHING, outbox: 1 },
    { ...NOTHING, outbox: 1 },
  ]);
  expect(await sequences()).toEqual([{ sequence: 3 }]);
  expect(await prune(shop.pool, at(1_000 * DAY_MS))).toEqual(NOTHING);
  expect(await outbox.countUnpublished()).toBe(1);
});

test('what is pruned is no gap, and what is missing otherwise is one', async () => {
  const rules = async (ms: number): Promise<string[]> => {
    return (await checkMoneyInvariants(shop.pool, new Date(ms)))
      .map((one) => one.rule)
      .filter((one) => /gaps/.test(one));
  };
  await shop.place('gap-1');
  for (const act of ['allocateOrder', 'warnOfHold'] as const) await shop.orders[act]({ orderId: 'gap-1' });
  const today = Date.now();
  const later = today + 40 * DAY_MS;
  expect([await rules(today), await rules(later)]).toEqual([[], []]);
  const without = async (sequences: number[], ms: number): Promise<string[]> => {
    await shop.sql('CREATE TABLE kept AS SELECT * FROM outbox');
    await shop.sql('DELETE FROM outbox WHERE sequence = ANY ($1)', [sequences]);
    const found = await rules(ms);
    await shop.sql('INSERT INTO outbox OVERRIDING SYSTEM VALUE SELECT * FROM kept ON CONFLICT DO NOTHING');
    await shop.sql('DROP TABLE kept');
    return found;
  };
  const gap = ['outbox_has_gaps'];
  expect([await without([1], today), await without([1], later)]).toEqual([gap, []]);
  expect([await without([1, 2, 3], today), await without([1, 2, 3], later)]).toEqual([gap, []]);
  expect([await without([2], today), await without([2], later)]).toEqual([gap, gap]);
  expect([await without([3], today), await without([3], later)]).toEqual([gap, gap]);
});

test('answers to requests go after a day, whether they were finished or left behind', async () => {
  const store = createIdempotencyStore({ ...shop, now });
  const begin = () => store.begin('POST /v1/checkouts', 'key-1', 'f');
  const begun = await begin();
  if (begun.kind === 'new') await store.finish(begun.lease, 201, { orderId: 'o' });
  await store.begin('POST /v1/checkouts', 'key-2', 'f');
  expect(await prune(shop.pool, at(DAY_MS))).toEqual(NOTHING);
  expect(await begin()).toMatchObject({ kind: 'replay' });
  expect(await prune(shop.pool, at(DAY_MS + 1))).toEqual({ ...NOTHING, idempotencyKeys: 2 });
  expect(await begin()).toMatchObject({ kind: 'new' });
});

test('numbers of keys at the provider go 90 days after they changed', async () => {
  const store = createPaymentStore({ ...shop, now });
  expect(await store.keyNumber('capture:o-1')).toBe(1);
  const both = await Promise.all([store.nextKey('capture:o-1', 1), store.nextKey('capture:o-1', 1)]);
  expect(both).toEqual([2, 2]);
  expect(await store.nextKey('capture:o-1', 2)).toBe(3);
  expect(await store.keyNumber('capture:o-1')).toBe(3);
  expect(await prune(shop.pool, at(90 * DAY_MS))).toEqual(NOTHING);
  expect(await prune(shop.pool, at(90 * DAY_MS + 1))).toEqual({ ...NOTHING, providerKeys: 1 });
});

test('notices go 90 days after they ended; those that wait or are being sent stay', async () => {
  const store = createNoticeStore({ ...shop, now });
  await transact(shop.pool, async (tx) => {
    for (const id of ['sent', 'canceled', 'sending', 'queued']) {
      const data = { amount: { amount: 1, currency: 'eur' }, orderId: 'o-1' };
      const subject = { type: 'refund' as const, id };
      const recipient = { to: 'shop' as const };
      const dueAt = now().toISOString();
      queueNotice(tx, { noticeKey: id, kind: 'refund_done', subject, recipient, data, dueAt }, now());
    }
    cancelNotices(tx, { type: 'refund', id: 'canceled' }, now());
  });
  for (const notice of await store.claimDue(10, 1_000)) {
    if (notice.noticeKey === 'queued') continue;
    const begun = await store.begin(notice, 'log', 1, 1_000);
    const sent = { status: 'sent' as const, done: ['log'], failed: [], inDoubt: [] };
    if (begun?.noticeKey === 'sent') await store.record(begun, sent);
  }
  expect(await prune(shop.pool, at(90 * DAY_MS))).toEqual(NOTHING);
  expect(await prune(shop.pool, at(90 * DAY_MS + 1))).toEqual({ ...NOTHING, notices: 2 });
  expect(await prune(shop.pool, at(1_000 * DAY_MS))).toEqual(NOTHING);
  expect((await store.listNotices({ limit: 10 })).map(({ noticeKey }) => noticeKey).sort()).toEqual([
    'queued',
    'sending',
  ]);
});

describe('what is kept for long', () => {
  const FOR_EVER = { auditLogDays: 36_500, operationsDays: 36_500, authorizationResultsDays: 36_500 };
  const DAY_LONG = (days: number): Date => new Date(Date.now() + days * DAY_MS);
  const count = async (table: string): Promise<number> =>
    (await shop.sql<{ count: number }>(`SELECT count(*)::integer AS count FROM ${table}`))[0]?.count ?? 0;

  test('the audit log goes by its age, and in no other way', async () => {
    await shop.place('o-1');
    const entries = await count('audit_log');
    const years = { ...FOR_EVER, auditLogDays: 3_653 };
    expect(await prune(shop.pool, DAY_LONG(3_652), years)).toMatchObject({ auditLog: 0 });
    for (const text of ['DELETE FROM audit_log', 'TRUNCATE audit_log', `UPDATE audit_log SET actor = 'x'`])
      await expect(shop.sql(text)).rejects.toThrow(/append-only/);
    await expect(shop.sql(`SELECT prune_by_age('ledger_entries', now(), 1)`)).rejects.toThrow(/keeps its rows/);
    expect(await prune(shop.pool, DAY_LONG(3_654), years)).toMatchObject({ auditLog: entries });
    expect(entries).toBeGreaterThan(0);
    await shop.orders.allocateOrder({ orderId: 'o-1' });
    // The leave of one prune is not the leave of what comes after it on the same connection.
    await expect(shop.sql('DELETE FROM audit_log')).rejects.toThrow(/append-only/);
    await expect(shop.sql('DELETE FROM ledger_entries')).rejects.toThrow(/append-only/);
  });

  test('what banks answered goes after thirteen months', async () => {
    await shop.sql(`INSERT INTO payment_attempts (order_id, attempt, operation_key, status, started_at, updated_at, tombstoned_at)
      SELECT 'o-1', n, 'k-' || n, 'sealed', now(), now(), now() FROM generate_series(1, 3) n`);
    await shop.sql(`INSERT INTO authorization_results (order_id, attempt, outcome, at)
      SELECT 'o-1', n, 'declined', now() - n * interval '200 days' FROM generate_series(1, 3) n`);
    await expect(shop.sql('DELETE FROM authorization_results')).rejects.toThrow(/append-only/);
    expect(await prune(shop.pool, new Date())).toMatchObject({ authorizationResults: 2 });
    expect(await shop.sql('SELECT attempt FROM authorization_results')).toEqual([{ attempt: 1 }]);
  });

  test('operations go with orders that are over; what moves, or is a person’s, keeps all of them', async () => {
    for (const id of ['open', 'over', 'theirs', 'changed']) await shop.place(id);
    await shop.orders.releaseStock({ orderId: 'never-placed' });
    await shop.sql(`UPDATE orders SET state = 'cancelled', payment_state = 'voided', hold_attempt = NULL, waiting_on = NULL,
      waiting_until = NULL, waiting_why = NULL WHERE order_id <> 'open'`);
    await shop.orders.raiseException({
      orderId: 'theirs',
      workflowId: 'order-theirs',
      kind: 'cancel_unknown',
      message: 'put there by a test',
      owner: 'operations',
    });
    const later = DAY_LONG(181);
    await shop.sql(`UPDATE orders SET updated_at = $1 WHERE order_id = 'changed'`, [later]);
    const half = { ...FOR_EVER, operationsDays: 180 };
    expect(await prune(shop.pool, DAY_LONG(179), half)).toMatchObject({ operations: 0 });
    expect((await prune(shop.pool, later, half)).operations).toBeGreaterThan(0);
    const left = await shop.sql<{ order_id: string }>('SELECT DISTINCT order_id FROM operations ORDER BY 1');
    expect(left.map((one) => one.order_id)).toEqual(['changed', 'open', 'theirs']);
  });
});

test('more than a batch goes, also where two calls run at once', async () => {
  await shop.sql(
    `INSERT INTO inbox (event_id, provider, type, payload, status, next_attempt_at, created_at, received_at, finished_at)
     SELECT 'evt_' || n, 'stripe', 't', '', 'done', $1, $1, $1, $1 FROM generate_series(1, 2500) n`,
    [now()],
  );
  await shop.sql(
    `INSERT INTO outbox (event_id, order_id, sequence, type, version, data, causation, trace_id, occurred_at, published_at)
     SELECT gen_random_uuid(), 'order-' || n % 50, n / 50 + 1, 't', 1, '{}', 'c', 't', $1, $1
     FROM generate_series(0, 2499) n`,
    [now()],
  );
  const alone = await prune(shop.pool, at(30 * DAY_MS + 1));
  expect(alone).toEqual({ ...NOTHING, outbox: 2_500 });
  // Each skips what the other has locked: nothing is counted twice, and the next call deletes the rest.
  const both = await Promise.all([prune(shop.pool, at(40 * DAY_MS)), prune(shop.pool, at(40 * DAY_MS))]);
  const rest = await prune(shop.pool, at(40 * DAY_MS));
  expect([...both, rest].reduce((sum, one) => sum + one.inbox, 0)).toBe(2_500);
  expect(await shop.sql('SELECT 1 FROM inbox UNION ALL SELECT 1 FROM outbox')).toEqual([]);
});

test.each([
  ['inbox-prune', 'inbox_finished'],
  ['outbox-prune', 'outbox_published'],
  ['idempotency-prune', 'idempotency_keys_age'],
  ['notices-prune', 'notices_finished'],
  ['operations-prune', 'operations_begun'],
])('%s reads the oldest through the index %s, in its order', async (name, index) => {
  const url = new URL(shop.databaseUrl);
  // On tables as small as these every plan is as good: what is to be seen is that the index can serve the statement.
  url.searchParams.set('options', '-c enable_seqscan=off -c enable_bitmapscan=off -c enable_sort=off');
  const pool = createPool(url.toString());
  const { rows } = await pool.query(`EXPLAIN ${statement(name).text}`, [now(), 1_000]);
  await pool.end();
  const plan = rows.map((row: Record<string, string>) => row['QUERY PLAN']).join('\n');
  expect(plan).toContain(`using ${index}`);
  expect(plan).not.toContain('Sort');
});
