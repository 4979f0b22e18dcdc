import { workflowIds } from '../../../workflows/kit/names';
import { DAY_MS, HOUR_MS, subscriptionsForEachTest } from '../../support/subscriptions';
import { eventually } from '../../support/time/eventually';

const { world, subscriptions } = subscriptionsForEachTest();

/** Large enough that five of them make the server suggest to continue as new. */
const PADDING = 'x'.repeat(900_000);

const stripe = () => world().dependencies.stripe;

describe('a subscription', () => {
  it('is followed from its first event and renews without a notice: eight events to start, seven a month', async () => {
    const { subscriptionId } = await subscriptions.begin();
    expect(await subscriptions.followed(subscriptionId)).toMatchObject({
      stage: 'active',
      entitled: true,
      trial: 'never',
    });
    await subscriptions.live(subscriptionId, 32 * DAY_MS, 4 * DAY_MS);
    expect(await subscriptions.view(subscriptionId)).toMatchObject({
      stage: 'active',
      invoice: { status: 'paid', billingReason: 'subscription_cycle' },
      waitingOn: 'provider',
    });
    expect(await subscriptions.told(subscriptionId)).toEqual([]);
    expect(await subscriptions.history(subscriptionId)).toHaveLength(15);
    expect(await subscriptions.events(subscriptionId)).toEqual([
      'SubscriptionStarted',
      'SubscriptionPaid',
      'EntitlementGranted',
      'SubscriptionPaid',
    ]);
  });

  it('whose plan changes records the change and what it cost or credited', async () => {
    const { subscriptionId, priceId } = await subscriptions.begin();
    await subscriptions.followed(subscriptionId);
    await subscriptions.live(subscriptionId, 10 * DAY_MS, 10 * DAY_MS);
    const { product } = await stripe().prices.retrieve(priceId);
    const dearer = await subscriptions.price(String(product), 4_900);
    const { items } = await stripe().subscriptions.retrieve(subscriptionId);
    const item = items.data[0]?.id ?? '';
    await stripe().subscriptions.update(subscriptionId, {
      items: [{ id: item, price: dearer }],
      proration_behavior: 'always_invoice',
    });
    await subscriptions.quiet();
    // Back again: what is given back goes on the next invoice.
    await stripe().subscriptions.update(subscriptionId, { items: [{ id: item, price: priceId }] });
    await subscriptions.quiet();
    await subscriptions.live(subscriptionId, 22 * DAY_MS, 11 * DAY_MS);
    const { changes, stage } = await subscriptions.view(subscriptionId);
    expect(stage).toBe('active');
    expect(changes).toMatchObject([
      { kind: 'plan', before: [{ unitAmount: 1_900 }], after: [{ unitAmount: 4_900 }] },
      { kind: 'proration', currency: 'eur' },
      { kind: 'plan', before: [{ unitAmount: 4_900 }], after: [{ unitAmount: 1_900 }] },
      { kind: 'proration', currency: 'eur' },
    ]);
    const invoices = await stripe().invoices.list({ subscription: subscriptionId });
    const prorated = invoices.data
      .reverse()
      .map(({ id, lines }) => ({
        invoiceId: id,
        prorationAmount: lines.data
          .filter(({ parent }) => (parent?.invoice_item_details ?? parent?.subscription_item_details)?.proration)
          .reduce((sum, line) => sum + line.amount, 0),
      }))
      .filter((one) => one.prorationAmount !== 0);
    expect(prorated).toHaveLength(2);
    expect(changes.filter((one) => one.kind === 'proration')).toMatchObject(prorated);
    expect(changes[1]).toMatchObject({ prorationAmount: expect.any(Number) });
    expect(prorated[0]?.prorationAmount).toBeGreaterThan(0);
    expect(prorated[1]?.prorationAmount).toBeLessThan(0);
  });

  it('that is cancelled at its period’s end shows it, ends then, and sends the customer no notice', async () => {
    const { subscriptionId } = await subscriptions.begin();
    await subscriptions.followed(subscriptionId);
    await stripe().subscriptions.update(subscriptionId, { cancel_at_period_end: true });
    await subscriptions.quiet();
    expect(await subscriptions.view(subscriptionId)).toMatchObject({ cancelAtPeriodEnd: true, entitled: true });
    await subscriptions.live(subscriptionId, 32 * DAY_MS, 8 * DAY_MS);
    expect(await subscriptions.endOf(subscriptionId)).toEqual({ subscriptionId, state: 'canceled' });
    expect(await subscriptions.view(subscriptionId)).toMatchObject({ stage: 'canceled', entitled: false });
    expect(await subscriptions.told(subscriptionId)).toEqual([]);
    expect((await subscriptions.events(subscriptionId)).slice(3)).toEqual([
      'SubscriptionCancellationScheduled',
      'SubscriptionStageChanged',
      'SubscriptionEnded',
      'EntitlementRevoked',
    ]);
  });

  it('whose collection is paused by hand continues, and is collected again when it is resumed', async () => {
    const begun = await subscriptions.begin();
    const { subscriptionId } = begun;
    await subscriptions.followed(subscriptionId);
    await stripe().subscriptions.update(subscriptionId, { pause_collection: { behavior: 'keep_as_draft' } });
    await subscriptions.live(subscriptionId, 33 * DAY_MS, 11 * DAY_MS);
    expect(await subscriptions.view(subscriptionId)).toMatchObject({ stage: 'active', entitled: true });
    await stripe().subscriptions.update(subscriptionId, { pause_collection: '' });
    await subscriptions.live(subscriptionId, 31 * DAY_MS, 31 * DAY_MS);
    const paid = (await subscriptions.events(subscriptionId)).filter((type) => type === 'SubscriptionPaid');
    expect(paid).toHaveLength(2);
    expect(await subscriptions.told(subscriptionId)).toEqual([]);
  });

  it('that is unknown is not followed, and raises no exception', async () => {
    await subscriptions.start('sub_unknown');
    expect(await subscriptions.endOf('sub_unknown')).toEqual({ subscriptionId: 'sub_unknown', state: 'unknown' });
    const { rows } = await world().dependencies.pool.query('SELECT 1 FROM exceptions');
    expect(rows).toEqual([]);
  });

  it('is no longer followed once an operator ends its workflow, until an event arrives', async () => {
    const { subscriptionId } = await subscriptions.begin();
    await subscriptions.followed(subscriptionId);
    await world().client.workflow.getHandle(workflowIds.subscription(subscriptionId)).cancel();
    expect(await subscriptions.endOf(subscriptionId)).toEqual({ subscriptionId, state: 'not_followed' });
    expect((await stripe().subscriptions.retrieve(subscriptionId)).status).toBe('active');
    await stripe().subscriptions.cancel(subscriptionId);
    await subscriptions.reaches(subscriptionId, 'canceled');
    await eventually('the news to be seen', async () => {
      const { stage } = await subscriptions.followed(subscriptionId);
      return stage === 'canceled' && !(await subscriptions.isRunning(subscriptionId));
    });
  });

  it('continues as new when its history is long, and keeps what it waits for', async () => {
    const { subscriptionId } = await subscriptions.begin();
    await subscriptions.followed(subscriptionId);
    const handle = world().client.workflow.getHandle(workflowIds.subscription(subscriptionId));
    const before = (await handle.describe()).runId;
    for (let sent = 0; sent < 5; sent += 1) {
      await handle.signal('subscriptionChanged', PADDING);
      // One after the other: no worker takes all of them in one message.
      await subscriptions.idle(subscriptionId);
    }
    await eventually('it to continue as new', async () => (await handle.describe()).runId !== before);
    await subscriptions.live(subscriptionId, 32 * DAY_MS, 16 * DAY_MS);
    expect(await subscriptions.view(subscriptionId)).toMatchObject({ stage: 'active', invoice: { status: 'paid' } });
    expect(await subscriptions.events(subscriptionId)).toHaveLength(4);
  });

  it('shows in Temporal who must act next, by when and why, with the next notice', async () => {
    const begun = await subscriptions.begin({ renewals: 'insufficient_funds' });
    const { subscriptionId } = begun;
    await subscriptions.toRenewal(begun);
    await subscriptions.live(subscriptionId, 8 * HOUR_MS, HOUR_MS);
    const handle = world().client.workflow.getHandle(workflowIds.subscription(subscriptionId));
    const { searchAttributes } = await handle.describe();
    expect(searchAttributes).toMatchObject({ PaymentState: ['past_due'], WaitingOn: ['provider'] });
    const details = await handle.query<string>('__temporal_workflow_metadata').catch(() => undefined);
    const text = JSON.stringify(details);
    expect(text).toContain('past_due');
    expect(text).toContain('Notices sent: payment_failed');
    expect(text).not.toContain('http');
  });
});
