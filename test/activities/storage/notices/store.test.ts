import { createNoticeStore, type ClaimedNotice, type NoticeOutcome } from '../../../../activities/storage';
import { transact } from '../../../../activities/storage/postgres/database';
import { cancelNotices, queueNotice } from '../../../../activities/storage/notices/notices';
import type { Notice } from '../../../../workflows/domain/notice/notices';
import { openShop, type Shop } from '../shop';

const LEASE_MS = 60_000;
const SENT: NoticeOutcome = { status: 'sent', done: ['smtp'], failed: [], inDoubt: [] };

let shop: Shop;
let clock = Date.parse('2031-03-01T00:00:00.000Z');
const now = (): Date => new Date(clock);
const store = () => createNoticeStore({ ...shop, now });

beforeAll(async () => void (shop = await openShop()));
afterEach(() => shop.sql('DELETE FROM notices'));
afterAll(() => shop.close());

async function queue(...keys: string[]): Promise<void> {
  await transact(shop.pool, async (tx) => {
    for (const noticeKey of keys) {
      const data = { amount: { amount: 1, currency: 'eur' }, orderId: 'o-1' };
      const subject = { type: 'refund' as const, id: noticeKey };
      const recipient = { to: 'shop' as const };
      queueNotice(tx, { noticeKey, kind: 'refund_done', subject, recipient, data, dueAt: now().toISOString() }, now());
    }
  });
}

const cancel = (id: string) => transact(shop.pool, async (tx) => cancelNotices(tx, { type: 'refund', id }, now()));

async function claimOne(): Promise<ClaimedNotice> {
  const [notice] = await store().claimDue(1, LEASE_MS);
  if (notice === undefined) throw new Error('nothing to claim');
  return notice;
}

const statusOf = async (noticeKey: string) =>
  (await store().listNotices({ subject: { type: 'refund', id: noticeKey }, limit: 1 }))[0]?.status;

test('a notice of a step that is rolled back is not there', async () => {
  const failing = transact(shop.pool, async (tx) => {
    const data = { amount: { amount: 1, currency: 'eur' }, orderId: 'o-1' };
    const recipient = { to: 'shop' as const };
    const subject = { type: 'refund' as const, id: 'r' };
    queueNotice(
      tx,
      { noticeKey: 'k', kind: 'refund_done', subject, recipient, data, dueAt: now().toISOString() },
      now(),
    );
    throw new Error('the step failed');
  });
  await expect(failing).rejects.toThrow('the step failed');
  expect(await store().listNotices({ limit: 10 })).toEqual([]);
});

test('a notice that another transaction is cancelling is skipped without waiting', async () => {
  await queue('a', 'b', 'c');
  const other = await shop.pool.connect();
  await other.query('BEGIN');
  await other.query(`UPDATE notices SET status = 'canceled', finished_at = now() WHERE notice_key = 'b'`);
  const startedAt = performance.now();
  expect((await store().claimDue(10, LEASE_MS)).map(({ noticeKey }) => noticeKey).sort()).toEqual(['a', 'c']);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
  await other.query('COMMIT');
  other.release();
  clock += LEASE_MS;
  expect((await store().claimDue(10, LEASE_MS)).map(({ noticeKey }) => noticeKey).sort()).toEqual(['a', 'c']);
});

test('claims at the same moment share what is due between them', async () => {
  const keys = Array.from({ length: 40 }, (_, index) => `n${index}`);
  await queue(...keys);
  const claims = await Promise.all(Array.from({ length: 8 }, () => store().claimDue(10, LEASE_MS)));
  const claimed = claims.flat().map(({ noticeKey }) => noticeKey);
  expect(new Set(claimed).size).toBe(claimed.length);
});

test('a relay that has lost the lease can neither send nor record', async () => {
  await queue('a');
  const late = await claimOne();
  clock += LEASE_MS;
  const mine = await claimOne();
  expect(await store().begin(late, 'smtp', 1, LEASE_MS)).toBeUndefined();
  expect(await store().record(late, { ...SENT, status: 'failed', done: [], failed: ['smtp'] })).toBe(false);
  const begun = await store().begin(mine, 'smtp', 1, LEASE_MS);
  // The lease counts from the hand-over on: it is a new one.
  clock += LEASE_MS - 1;
  expect(await store().claimDue(1, LEASE_MS)).toEqual([]);
  expect(await store().record(late, SENT)).toBe(false);
  expect(await store().record(begun ?? mine, SENT)).toBe(true);
  expect(await statusOf('a')).toBe('sent');
});

test('a cancel reaches notices that wait, and not those that are being sent', async () => {
  await queue('waits', 'told');
  const [first, second] = await store().claimDue(2, LEASE_MS);
  const [waits, told] = first?.noticeKey === 'waits' ? [first, second] : [second, first];
  if (waits === undefined || told === undefined) throw new Error('both were due');
  const begun = await store().begin(told, 'smtp', 1, LEASE_MS);
  await Promise.all([cancel('waits'), cancel('told')]);
  expect(await store().begin(waits, 'smtp', 1, LEASE_MS)).toBeUndefined();
  expect(await store().record(waits, { ...SENT, status: 'queued', done: [] })).toBe(false);
  expect(await store().record(begun ?? told, SENT)).toBe(true);
  expect([await statusOf('waits'), await statusOf('told')]).toEqual(['canceled', 'sent']);
});

test('a notice that is overtaken while it is being sent is not tried again', async () => {
  await queue('again', 'partly');
  for (const claimed of await store().claimDue(2, LEASE_MS)) {
    const begun = await store().begin(claimed, 'smtp', 1, LEASE_MS);
    if (begun === undefined) throw new Error('nobody else had it');
    await cancel(claimed.noticeKey);
    const done = claimed.noticeKey === 'partly' ? ['smtp'] : [];
    expect(await store().record(begun, { ...SENT, status: 'queued', done })).toBe(true);
    expect(await store().begin(begun, 'webhook', 0, LEASE_MS)).toBeUndefined();
  }
  clock += 10 * LEASE_MS;
  expect(await store().claimDue(10, LEASE_MS)).toEqual([]);
  expect([await statusOf('again'), await statusOf('partly')]).toEqual(['canceled', 'sent']);
});

test('what is overtaken while its relay is dead is begun by no other', async () => {
  await queue('a');
  await store().begin(await claimOne(), 'webhook', 1, LEASE_MS);
  clock += LEASE_MS;
  const early = await claimOne();
  expect(early).toMatchObject({ isOvertaken: false });
  await cancel('a');
  expect(await store().begin(early, 'webhook', 1, LEASE_MS)).toBeUndefined();
  clock += LEASE_MS;
  expect(await claimOne()).toMatchObject({ isOvertaken: true, sendingTo: 'webhook' });
});

describe('sending again', () => {
  const ended = async (key: string, outcome: Partial<NoticeOutcome>): Promise<void> => {
    await queue(key);
    const begun = await store().begin(await claimOne(), 'smtp', 1, LEASE_MS);
    if (begun === undefined) throw new Error('nobody else had it');
    await store().record(begun, { ...SENT, done: [], ...outcome });
  };

  test('goes on for the channels that did not take it for certain, and for the whole time of a new notice', async () => {
    await ended('a', { status: 'in_doubt', done: ['webhook'], inDoubt: ['smtp'], error: 'smtp: lost' });
    clock += 1_000;
    expect(await store().countOpen()).toEqual({ queued: 0, sending: 0, in_doubt: 1, failed: 0 });
    const answer = await store().sendAgain('a', 'op-1');
    expect(answer).toMatchObject({
      accepted: true,
      notice: { status: 'queued', channels: ['webhook'], askedAgain: { at: now().toISOString(), by: 'op-1' } },
    });
    expect(await claimOne()).toMatchObject({ done: ['webhook'], failed: [], inDoubt: [], askedAgainAt: now() });
  });

  test('twice at the same moment is once', async () => {
    await ended('a', { status: 'failed', failed: ['smtp'] });
    const answers = await Promise.all([store().sendAgain('a', 'op-1'), store().sendAgain('a', 'op-2')]);
    expect(answers.filter((one) => one.accepted)).toHaveLength(1);
    expect(answers).toContainEqual({ accepted: false, reason: 'not_in_doubt', status: 'queued' });
  });

  test('is refused for notices that were sent, that wait, or that are unknown', async () => {
    await ended('a', { status: 'sent', done: ['smtp'] });
    await queue('b');
    expect(await store().sendAgain('a', 'op-1')).toEqual({ accepted: false, reason: 'not_in_doubt', status: 'sent' });
    expect(await store().sendAgain('b', 'op-1')).toEqual({ accepted: false, reason: 'not_in_doubt', status: 'queued' });
    expect(await store().sendAgain('c', 'op-1')).toEqual({ accepted: false, reason: 'unknown_notice' });
  });

  test.each(['in_doubt', 'failed'] as const)('is refused once it is overtaken: %s', async (status) => {
    await ended('a', { status });
    await cancel('a');
    expect(await store().sendAgain('a', 'op-1')).toEqual({ accepted: false, reason: 'no_longer_true' });
    expect(await statusOf('a')).toBe(status);
    const [view] = await store().listNotices({ limit: 1 });
    expect(await store().countOpen()).toMatchObject({ [status]: 0 });
    expect(view).toMatchObject({ overtakenAt: now().toISOString() });
  });

  test('is refused once its time is over, by the clock of who queued it', async () => {
    await ended('a', { status: 'in_doubt', inDoubt: ['smtp'] });
    await shop.sql(`UPDATE notices SET expires_at = due_at + interval '1 hour'`);
    clock += 3_600_000;
    expect(await store().sendAgain('a', 'op-1')).toEqual({ accepted: false, reason: 'no_longer_true' });
  });
});

test('no other channel begins while one is sending', async () => {
  await queue('a');
  const begun = await store().begin(await claimOne(), 'smtp', 1, LEASE_MS);
  if (begun === undefined) throw new Error('nobody else had it');
  expect(await store().begin(begun, 'webhook', 0, LEASE_MS)).toBeUndefined();
  const between: NoticeOutcome = { ...SENT, status: 'queued' };
  expect(await store().record(begun, between)).toBe(true);
  const next = await store().begin({ ...begun, done: ['smtp'] }, 'webhook', 0, LEASE_MS);
  expect(next).toBeDefined();
  clock += LEASE_MS;
  expect(await claimOne()).toMatchObject({ done: ['smtp'], sendingTo: 'webhook', attempts: 1 });
});

describe('notices of one subject', () => {
  const LATER: NoticeOutcome = { status: 'queued', done: [], failed: [], inDoubt: [] };
  const keysOf = (claimed: readonly ClaimedNotice[]) => claimed.map(({ noticeKey }) => noticeKey);

  /** First the last try, a moment later the end: what is queued first is to be read first. */
  async function lastTryAndEnd(): Promise<void> {
    const subject = { type: 'subscription' as const, id: 'sub_1' };
    const recipient = { to: 'provider_customer', stripeCustomerId: 'cus_1' } as const;
    const data = { productName: 'Tea club', outcome: 'canceled' } as const;
    const amount = { amount: 1_900, currency: 'eur' };
    const dueAt = now().toISOString();
    const last = { ...data, amount, lastTryAt: dueAt };
    const common = { subject, recipient, dueAt };
    const queueOne = (notice: Notice) => transact(shop.pool, async (tx) => queueNotice(tx, notice, now()));
    await queueOne({ ...common, noticeKey: 'dunning:in_1:last', kind: 'payment_last_try', data: last });
    clock += 1;
    await queueOne({ ...common, noticeKey: 'dunning:in_1:end', kind: 'subscription_ended', data });
  }

  it('are handed over one after the other, whoever relays them', async () => {
    await lastTryAndEnd();
    const [first, ...more] = await store().claimDue(10, LEASE_MS);
    expect([first?.noticeKey, more]).toEqual(['dunning:in_1:last', []]);
    expect(await store().claimDue(10, LEASE_MS)).toEqual([]);
    const begun = first && (await store().begin(first, 'smtp', 1, LEASE_MS));
    if (begun === undefined) throw new Error('it was ours');
    expect(await store().claimDue(10, LEASE_MS)).toEqual([]);
    expect(await store().record(begun, SENT)).toBe(true);
    expect(keysOf(await store().claimDue(10, LEASE_MS))).toEqual(['dunning:in_1:end']);
  });

  it('do not wait for one that is tried again later, nor those to somebody else for each other', async () => {
    await lastTryAndEnd();
    const first = await claimOne();
    expect(await store().record(first, { ...LATER, nextAttemptAt: new Date(clock + 10 * LEASE_MS) })).toBe(true);
    expect(keysOf(await store().claimDue(10, LEASE_MS))).toEqual(['dunning:in_1:end']);
    await shop.sql(
      `UPDATE notices SET recipient = '{"to":"shop"}', next_attempt_at = $1, leased = false
      WHERE notice_key = 'dunning:in_1:end'`,
      [now()],
    );
    await shop.sql(`UPDATE notices SET next_attempt_at = $1 WHERE notice_key = 'dunning:in_1:last'`, [now()]);
    expect(keysOf(await store().claimDue(10, LEASE_MS)).sort()).toEqual(['dunning:in_1:end', 'dunning:in_1:last']);
  });

  it('go on after a relay that died while it had the first', async () => {
    await lastTryAndEnd();
    await claimOne();
    clock += LEASE_MS;
    expect(keysOf(await store().claimDue(10, LEASE_MS))).toEqual(['dunning:in_1:last']);
  });
});
