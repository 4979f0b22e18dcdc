import { createOutbox } from '../../../../activities/storage';
import { subscriptionEventData, subscriptionEventSchema } from '../../../../clients/client';
import { invoiceOf, itemOf, snapshotOf } from '../../../support/facts/subscription-snapshots';
import { after, DAY_MS, failing, HOUR_MS, openSubscribers, START, type Subscribers } from './subscribers';

let subscribers: Subscribers;
beforeAll(async () => void (subscribers = await openSubscribers()));
afterAll(() => subscribers.close());

/** Everything that a step may write, counted. */
const written = async (id: string): Promise<unknown> => ({
  events: await subscribers.rows('SELECT event_id FROM outbox WHERE order_id = $1', [id]),
  audit: await subscribers.rows('SELECT entry_id FROM audit_log WHERE subject_id = $1', [id]),
  notices: await subscribers.rows('SELECT notice_key, status FROM notices WHERE subject_id = $1', [id]),
  row: await subscribers.rows('SELECT xmin::text, version FROM subscriptions WHERE subscription_id = $1', [id]),
});

test('a subscription is recorded once, with its first events, and is there for who asks', async () => {
  const snapshot = snapshotOf();
  const first = await subscribers.record(snapshot, START);
  expect(first.follow.facts).toMatchObject({ stage: 'active', trial: 'never', entitled: true });
  expect(first.follow.nextDue).toMatchObject({ at: '2026-02-01T03:15:00.000Z' });
  const before = await written(snapshot.subscriptionId);
  const again = await subscribers.record(snapshot, after(HOUR_MS));
  expect(again).toMatchObject({ version: 1, isNews: false });
  expect(await written(snapshot.subscriptionId)).toEqual(before);
  expect(await subscribers.eventsOf(snapshot.subscriptionId)).toEqual([
    'SubscriptionStarted',
    'SubscriptionPaid',
    'EntitlementGranted',
  ]);
  expect(await subscribers.queries.getSubscription(snapshot.subscriptionId)).toMatchObject({
    stage: 'active',
    entitled: true,
    waitingOn: 'provider',
    waitingUntil: '2026-02-01T00:00:00.000Z',
    invoice: { status: 'paid', amountPaid: 1_200 },
    notices: [],
    changes: [],
  });
});

test('a renewal fails, is announced after the grace, and recovers: each event, each notice once', async () => {
  const active = snapshotOf();
  const id = active.subscriptionId;
  await subscribers.record(active, START);
  const failed = { ...active, providerStatus: 'past_due', invoices: [failing(), ...active.invoices] };
  const seen = await subscribers.record(failed, '2026-02-01T01:00:10.000Z');
  expect(seen.follow.facts).toMatchObject({ stage: 'past_due', entitled: true });
  expect(JSON.stringify(seen.follow)).not.toContain('https://');
  expect(await subscribers.noticesOf(id)).toEqual([]);
  const told = await subscribers.record(failed, '2026-02-01T03:00:00.000Z');
  expect(told.follow.facts.told).toMatchObject([{ kind: 'payment_failed' }]);
  await subscribers.record(failed, '2026-02-01T03:00:00.000Z');
  expect(await subscribers.noticesOf(id)).toEqual([{ kind: 'payment_failed', status: 'queued' }]);
  await subscribers.pool.query(
    `UPDATE notices SET status = 'sent', sent_at = now(), finished_at = now() WHERE subject_id = $1`,
    [id],
  );
  const { nextAttemptAt: _next, ...rest } = failing({ status: 'paid', amountPaid: 1_200, attemptCount: 2 });
  await subscribers.record({ ...active, invoices: [rest, ...active.invoices] }, '2026-02-03T00:00:10.000Z');
  expect(await subscribers.noticesOf(id)).toMatchObject([
    { kind: 'payment_failed' },
    { kind: 'payment_recovered', status: 'queued' },
  ]);
  expect((await subscribers.eventsOf(id)).slice(3)).toEqual([
    'SubscriptionPaymentFailed',
    'SubscriptionStageChanged',
    'SubscriptionPaid',
    'SubscriptionStageChanged',
    'SubscriptionRecovered',
  ]);
});

test('a notice that still waits is cancelled when the payment succeeds, and then no recovery is announced', async () => {
  const active = snapshotOf();
  const id = active.subscriptionId;
  await subscribers.record(active, START);
  const open = failing({ invoiceId: 'in_back' });
  await subscribers.record({ ...active, providerStatus: 'past_due', invoices: [open] }, '2026-02-01T03:00:00.000Z');
  const { nextAttemptAt: _next, ...paid } = { ...open, status: 'paid' as const, amountPaid: 1_200 };
  const healed = await subscribers.record({ ...active, invoices: [paid] }, '2026-02-01T03:00:30.000Z');
  expect(await subscribers.noticesOf(id)).toEqual([{ kind: 'payment_failed', status: 'canceled' }]);
  expect(healed.follow.facts.told).toEqual([]);
});

test('a notice that a relay has begun to send counts as sent', async () => {
  const active = snapshotOf();
  const id = active.subscriptionId;
  const open = failing({ invoiceId: 'in_begun' });
  await subscribers.record({ ...active, providerStatus: 'past_due', invoices: [open] }, '2026-02-01T03:00:00.000Z');
  await subscribers.pool.query(`UPDATE notices SET status = 'sending', sending_to = 'log' WHERE subject_id = $1`, [id]);
  const { nextAttemptAt: _next, ...paid } = { ...open, status: 'paid' as const, amountPaid: 1_200 };
  await subscribers.record({ ...active, invoices: [paid] }, '2026-02-01T03:00:30.000Z');
  expect(await subscribers.noticesOf(id)).toMatchObject([{ status: 'sending' }, { kind: 'payment_recovered' }]);
});

test.each([
  ['reached one channel and waits for another', `channels_done = '{smtp}'`, 'sent', true],
  ['is in doubt', `status = 'in_doubt', finished_at = now(), channels_in_doubt = '{smtp}'`, 'in_doubt', true],
  ['reached nobody', `status = 'failed', finished_at = now(), channels_failed = '{smtp}'`, 'failed', false],
  ['was dropped', `status = 'expired', finished_at = now()`, 'expired', false],
])('a recovery after a notice of the failure that %s', async (_, change, status, isTold) => {
  const active = snapshotOf();
  const id = active.subscriptionId;
  const open = failing({ invoiceId: `in_${status}` });
  await subscribers.record(active, START);
  await subscribers.record({ ...active, providerStatus: 'past_due', invoices: [open] }, '2026-02-01T03:00:00.000Z');
  await subscribers.pool.query(`UPDATE notices SET ${change} WHERE subject_id = $1`, [id]);
  const { nextAttemptAt: _next, ...paid } = { ...open, status: 'paid' as const, amountPaid: 1_200 };
  await subscribers.record({ ...active, invoices: [paid] }, '2026-02-01T03:00:30.000Z');
  const recovery = isTold ? [{ kind: 'payment_recovered' }] : [];
  const notices = await subscribers.noticesOf(id);
  expect(notices).toMatchObject([{ kind: 'payment_failed', status }, ...recovery]);
  expect(notices).toHaveLength(1 + recovery.length);
});

test('changes of plan and prorations are kept with their amounts, each once', async () => {
  const basic = snapshotOf();
  const id = basic.subscriptionId;
  await subscribers.record(basic, START);
  const pro = itemOf({ priceId: 'price_pro', productName: 'Pro', unitAmount: 4_000 });
  const upgrade = invoiceOf({ billingReason: 'subscription_update', amountDue: 1_310, prorationAmount: 1_310 });
  const upgraded = { ...basic, items: [pro], invoices: [upgrade, ...basic.invoices] };
  await subscribers.record(upgraded, after(DAY_MS));
  const draft = invoiceOf({ status: 'draft', prorationAmount: -900, attemptCount: 0, createdAt: after(2 * DAY_MS) });
  const downgraded = { ...basic, items: [itemOf()], invoices: [draft, upgrade, ...basic.invoices] };
  await subscribers.record(downgraded, after(2 * DAY_MS));
  const final = { ...draft, status: 'paid' as const, amountPaid: 300, amountDue: 300 };
  await subscribers.record({ ...downgraded, invoices: [final, upgrade] }, after(3 * DAY_MS));
  await subscribers.record({ ...downgraded, invoices: [final, upgrade] }, after(4 * DAY_MS));
  const view = await subscribers.queries.getSubscription(id);
  expect(view?.changes).toMatchObject([
    { kind: 'plan', before: [{ unitAmount: 1_200 }], after: [{ unitAmount: 4_000 }] },
    { kind: 'proration', invoiceId: upgrade.invoiceId, prorationAmount: 1_310, currency: 'eur' },
    { kind: 'plan', before: [{ unitAmount: 4_000 }], after: [{ unitAmount: 1_200 }] },
    { kind: 'proration', invoiceId: draft.invoiceId, prorationAmount: -900, currency: 'eur' },
  ]);
});

test('a scheduled cancellation is announced, withdrawn, announced again, and happens', async () => {
  const active = snapshotOf();
  await subscribers.record(active, START);
  await subscribers.record({ ...active, cancelAtPeriodEnd: true }, after(DAY_MS));
  await subscribers.record(active, after(2 * DAY_MS));
  await subscribers.record({ ...active, cancelAtPeriodEnd: true }, after(3 * DAY_MS));
  const ended = {
    ...active,
    providerStatus: 'canceled',
    endedAt: '2026-02-01T00:00:00.000Z',
    endReason: 'cancellation_requested',
  };
  expect((await subscribers.record(ended, '2026-02-01T00:00:01.000Z')).follow.nextDue).toBeUndefined();
  expect((await subscribers.eventsOf(active.subscriptionId)).slice(3)).toEqual([
    'SubscriptionCancellationScheduled',
    'SubscriptionCancellationWithdrawn',
    'SubscriptionCancellationScheduled',
    'SubscriptionStageChanged',
    'SubscriptionEnded',
    'EntitlementRevoked',
  ]);
  expect(await subscribers.noticesOf(active.subscriptionId)).toEqual([]);
});

test('an exception has an owner, is shown, announced and closed; a late attempt to open it opens nothing', async () => {
  const active = snapshotOf();
  const id = active.subscriptionId;
  await subscribers.record(active, START);
  const workflowId = `subscription-${id}`;
  const kind = 'subscription_unreadable' as const;
  const raise = {
    subscriptionId: id,
    workflowId,
    kind,
    operationKey: `exception:${id}:1`,
    message: 'm',
    owner: 'payments',
  };
  await subscribers.store.raiseSubscriptionException(raise);
  await subscribers.store.raiseSubscriptionException(raise);
  expect((await subscribers.queries.getSubscription(id))?.exception).toMatchObject({ kind, owner: 'payments' });
  await subscribers.store.resolveSubscriptionException({
    subscriptionId: id,
    workflowId,
    kinds: [kind],
    operationKeys: [raise.operationKey],
  });
  await subscribers.store.raiseSubscriptionException(raise);
  expect(await subscribers.queries.getSubscription(id)).not.toHaveProperty('exception');
  expect((await subscribers.eventsOf(id)).slice(3)).toEqual(['ExceptionRaised', 'ExceptionResolved']);
  const nowhere = snapshotOf().subscriptionId;
  await subscribers.store.raiseSubscriptionException({
    ...raise,
    subscriptionId: nowhere,
    workflowId: nowhere,
    operationKey: nowhere,
  });
  expect(await subscribers.rows('SELECT owner FROM exceptions WHERE subject_id = $1', [nowhere])).toEqual([
    { owner: 'payments' },
  ]);
});

test('subscriptions are listed by stage, by whom they wait for, and by customer', async () => {
  const stripeCustomerId = 'cus_listed';
  const active = snapshotOf({ stripeCustomerId });
  const unpaid = snapshotOf({ stripeCustomerId, providerStatus: 'unpaid' });
  for (const one of [active, unpaid]) await subscribers.record(one, START);
  const ids = async (filter: object) =>
    (await subscribers.queries.listSubscriptions({ stripeCustomerId, limit: 10, ...filter })).map(
      (one) => one.subscriptionId,
    );
  expect(await ids({})).toEqual([unpaid.subscriptionId, active.subscriptionId]);
  expect(await ids({ stage: 'unpaid' })).toEqual([unpaid.subscriptionId]);
  expect(await ids({ waitingOn: 'provider' })).toEqual([active.subscriptionId]);
});

test('every event is of the schema that consumers are given, nothing more, and counted without gaps', async () => {
  const outbox = createOutbox(subscribers);
  // Through JSON, as a consumer gets it. The schema removes unknown fields, so they would be missing here.
  const events = JSON.parse(JSON.stringify(await outbox.claimUnpublished(1_000, 1_000))) as unknown[];
  expect(events.length).toBeGreaterThan(30);
  const parsed = events.map((one) => subscriptionEventSchema.parse(one));
  expect(parsed).toEqual(events);
  const sequences = new Map<string, number[]>();
  for (const { subscriptionId, sequence } of parsed) {
    sequences.set(subscriptionId, [...(sequences.get(subscriptionId) ?? []), sequence]);
  }
  for (const found of sequences.values()) expect(found).toEqual(found.map((_one, index) => index + 1));
  const told = new Set(parsed.map((one) => one.type));
  expect([...told].sort()).toEqual(Object.keys(subscriptionEventData).sort());
  // No field of a schema is one that is never written.
  for (const type of told) {
    const fields = new Set(parsed.filter((one) => one.type === type).flatMap((one) => Object.keys(one.data)));
    expect([type, [...fields].sort()]).toEqual([type, Object.keys(subscriptionEventData[type].shape).sort()]);
  }
});
