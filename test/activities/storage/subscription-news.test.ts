import { itemOf, LOUD_POLICY, snapshotOf } from '../../support/subscription-snapshots';
import { after, failing, HOUR_MS, openSubscribers, START, type Subscribers } from './subscribers';

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

test('who finds news tells the workflow; only what it would act on differently is news, until it was told or has seen it', async () => {
  const active = snapshotOf();
  const id = active.subscriptionId;
  const found = { watching: false };
  const unknown = await subscribers.record(active, START, found);
  expect(unknown).toMatchObject({ isNews: true, version: 1 });
  // Whoever comes next, after the first one died before it could tell, comes to the same.
  expect(await subscribers.record(active, START, found)).toMatchObject({ isNews: true });
  await subscribers.store.markHinted(id, 1);
  expect(await subscribers.record(active, START, found)).toMatchObject({ isNews: false });
  await subscribers.record(active, START);
  const renamed = { ...active, items: [itemOf({ quantity: 3 })] };
  expect(await subscribers.record(renamed, after(HOUR_MS), found)).toMatchObject({ isNews: false, version: 2 });
  const failed = { ...active, providerStatus: 'past_due', invoices: [failing({ invoiceId: 'in_news' })] };
  expect(await subscribers.record(failed, '2026-02-01T01:00:10.000Z', found)).toMatchObject({ isNews: true });
  await subscribers.record(failed, '2026-02-01T01:00:20.000Z');
  expect(await subscribers.record(failed, '2026-02-01T01:00:20.000Z', found)).toMatchObject({ isNews: false });
  // Something is due before the workflow wakes.
  const sooner = {
    ...active,
    providerStatus: 'past_due',
    invoices: [failing({ invoiceId: 'in_news', declineCode: 'stolen_card', failedAt: '2026-01-31T20:00:00.000Z' })],
  };
  const due = await subscribers.record(sooner, '2026-02-01T01:00:30.000Z', found);
  expect(due.follow.facts.told).toMatchObject([{ kind: 'card_needed' }]);
  // It has been out for longer than any outage: it is not there any more.
  const renewed = { ...active, currentPeriodEnd: '2026-04-01T00:00:00.000Z' };
  await subscribers.record(active, '2026-02-02T00:00:00.000Z');
  expect(await subscribers.record(renewed, '2026-03-09T00:00:00.000Z', found)).toMatchObject({ isNews: true });
});

test('planning never goes back behind what was planned, however late a look is recorded', async () => {
  const active = snapshotOf();
  const failed = { ...active, providerStatus: 'past_due', invoices: [failing({ invoiceId: 'in_late' })] };
  await subscribers.record(failed, '2026-02-01T03:00:00.000Z');
  const late = await subscribers.record({ ...failed, items: [itemOf({ quantity: 2 })] }, '2026-02-01T01:30:00.000Z');
  expect(late.follow.facts.fetchedAt).toBe('2026-02-01T03:00:00.000Z');
  expect(late.follow.facts.told).toHaveLength(1);
});

test('what is over entitles nobody, and somebody who never was followed is not followed for that', async () => {
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
