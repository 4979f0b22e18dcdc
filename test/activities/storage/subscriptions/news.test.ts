import type { InvoiceSnapshot, SubscriptionSnapshot } from '../../../../workflows/domain/subscription/snapshot';
import { itemOf, LOUD_POLICY, snapshotOf } from '../../../support/facts/subscription-snapshots';
import { after, failing, HOUR_MS, openSubscribers, START, type Subscribers } from './subscribers';

const LATE = '2026-02-01T08:00:00.000Z';
const LATEST = '2026-02-03T00:00:00.000Z';

function failed(invoice: InvoiceSnapshot): Partial<SubscriptionSnapshot> {
  return { providerStatus: 'past_due', invoices: [invoice] };
}

let subscribers: Subscribers;
beforeAll(async () => void (subscribers = await openSubscribers()));
afterAll(() => subscribers.close());

test('what was fetched before somebody else recorded something newer is not recorded', async () => {
  const snapshot = snapshotOf();
  await subscribers.record(snapshot, START);
  const input = { snapshot, now: START, policy: LOUD_POLICY, watching: true, actor: 'test' };
  expect(await subscribers.store.recordSubscription({ ...input, seenVersion: 0 })).toEqual({ kind: 'outdated' });
});

test('of ten that record a subscription first at the same moment one does', async () => {
  const snapshot = snapshotOf();
  const input = { snapshot, now: START, policy: LOUD_POLICY, watching: false, actor: 'test', seenVersion: 0 };
  const results = await Promise.all(Array.from({ length: 10 }, () => subscribers.store.recordSubscription(input)));
  expect(results.filter((one) => one.kind === 'recorded')).toHaveLength(1);
  expect(await subscribers.eventsOf(snapshot.subscriptionId)).toHaveLength(3);
});

test('no workflow follows it: that is news, until the workflow got a hint', async () => {
  const active = snapshotOf();
  const id = active.subscriptionId;
  const found = { watching: false };
  const unknown = await subscribers.record(active, START, found);
  expect(unknown).toMatchObject({ isNews: true, version: 1 });
  // The next process, after the first one died before it could send the hint, comes to the same result.
  expect(await subscribers.record(active, START, found)).toMatchObject({ isNews: true });
  await subscribers.store.markHinted(id, 1);
  expect(await subscribers.record(active, START, found)).toMatchObject({ isNews: false });
  await subscribers.record(active, START);
  expect(await subscribers.record(active, after(HOUR_MS), found)).toMatchObject({ isNews: false });
});

// The workflow has seen it active and paid, and wakes on 1 February at 3:15.
const early = failing({
  invoiceId: 'in_early',
  createdAt: '2026-01-15T00:00:00.000Z',
  failedAt: '2026-01-15T01:00:00.000Z',
  nextAttemptAt: '2026-01-17T00:00:00.000Z',
});
const over = { providerStatus: 'canceled', endedAt: '2026-01-15T00:00:00.000Z', endReason: 'cancellation_requested' };
test.each<[string, Partial<SubscriptionSnapshot>, string, boolean]>([
  ['three pieces in place of one', { items: [itemOf({ quantity: 3 })] }, '2026-01-15T00:00:00.000Z', false],
  ['a failure in the middle of the month', failed(early), '2026-01-15T01:00:10.000Z', true],
  [
    'a failure of the renewal, two hours before it looks',
    failed(failing({ invoiceId: 'in_renewal' })),
    '2026-02-01T01:00:10.000Z',
    false,
  ],
  ['its end, weeks before it looks', over, '2026-01-15T00:00:10.000Z', true],
  ['a period that ends two days sooner', { currentPeriodEnd: '2026-01-30T00:00:00.000Z' }, START, false],
  ['a period that ends ten days sooner', { currentPeriodEnd: '2026-01-22T00:00:00.000Z' }, START, true],
  ['a renewal, hours after it should have looked', { currentPeriodEnd: '2026-03-01T00:00:00.000Z' }, LATE, false],
  ['a renewal, days after it should have looked', { currentPeriodEnd: '2026-03-01T00:00:00.000Z' }, LATEST, true],
])('news for a workflow that sleeps: %s', async (_name, changes, now, isNews) => {
  const active = snapshotOf();
  await subscribers.record(active, START);
  expect(await subscribers.record({ ...active, ...changes }, now, { watching: false })).toMatchObject({ isNews });
});

test('what the workflow has seen is no longer news', async () => {
  const active = snapshotOf();
  await subscribers.record(active, START);
  const now = '2026-01-15T01:00:10.000Z';
  const changed = { ...active, ...failed({ ...early, invoiceId: 'in_seen' }) };
  expect(await subscribers.record(changed, now, { watching: false })).toMatchObject({ isNews: true });
  await subscribers.record(changed, now);
  expect(await subscribers.record(changed, now, { watching: false })).toMatchObject({ isNews: false });
});

test('planning never goes back behind what was planned, however late a look is recorded', async () => {
  const active = snapshotOf();
  const failed = { ...active, providerStatus: 'past_due', invoices: [failing({ invoiceId: 'in_late' })] };
  await subscribers.record(failed, '2026-02-01T03:00:00.000Z');
  const late = await subscribers.record({ ...failed, items: [itemOf({ quantity: 2 })] }, '2026-02-01T01:30:00.000Z');
  expect(late.follow.facts.fetchedAt).toBe('2026-02-01T03:00:00.000Z');
  expect(late.follow.facts.told).toHaveLength(1);
});

test('a subscription that is over entitles nobody, and one that was never followed is not followed for that', async () => {
  const gone = snapshotOf({ providerStatus: 'canceled', endedAt: START, endReason: 'cancellation_requested' });
  const found = await subscribers.record(gone, START, { watching: false });
  expect(found).toMatchObject({ isNews: false, follow: { facts: { stage: 'canceled', entitled: false } } });
  expect(found.follow.nextDue).toBeUndefined();
  expect(await subscribers.queries.getSubscription(gone.subscriptionId)).not.toHaveProperty('waitingOn');
  await expect(
    subscribers.pool.query('UPDATE subscriptions SET entitled = true WHERE subscription_id = $1', [
      gone.subscriptionId,
    ]),
  ).rejects.toThrow('subscriptions_over_entitle_nobody');
});
